"""The comparison sheet of an evaluation: fixed pairs, then the worst, median and best by SSIM. It scores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from posegan.batch import Batch
from posegan.data.dataset import PosePairDataset
from posegan.images import to_bytes, to_pil, write_png
from posegan.inference.output import provenance
from posegan.inference.predictor import Predictor
from posegan.models import Output
from posegan.pose.draw import draw_poses
from posegan.spread import evenly_spread

FIXED = 8  # pairs taken at even distances from the whole list, whatever the model makes of them
RANKED = 2  # pairs for each of worst, median and best
GAP = 4
CAPTION = 14  # pixels for a line of text


def choose_rows(ssim: Tensor) -> dict[str, list[int]]:
    """Return {caption: indices} of the pairs (N,) that a sheet shows; the fixed ones depend on N alone."""
    count = len(ssim)
    order = ssim.argsort().tolist()
    middle = max(0, (count - RANKED) // 2)
    return {
        "fixed": evenly_spread(count, FIXED).tolist(),
        "worst": order[:RANKED],
        "median": order[middle : middle + RANKED],
        "best": order[-RANKED:],
    }


def write_sheet(path: Path, predictor: Predictor, dataset: PosePairDataset, ssim: Tensor) -> None:
    """Write the sheet of a model's pairs (N,) as a PNG."""
    chosen = choose_rows(ssim)
    indices = [index for group in chosen.values() for index in group]
    captions = [f"{group} {ssim[index]:.3f}" for group, members in chosen.items() for index in members]
    batch = dataset.batch(torch.tensor(indices))
    columns = comparison(batch, predictor.output(batch.source_image, batch.source_pose, batch.target_pose))
    sheet = lay_out(torch.stack(list(columns.values()), 1), list(columns), captions)
    write_png(path, sheet, provenance(predictor, "see metrics.json"))


def comparison(batch: Batch, output: Output) -> dict[str, Tensor]:
    """Return {column: (B, 3, H, W) uint8 on the CPU}: a pair, its poses, the `stages` of the result, the result."""
    poses = {"source pose": batch.source_pose, "target pose": batch.target_pose}
    photos = {"target": batch.target_image} | stages(output) | {"generated": output.image}
    return (
        {"source": to_bytes(batch.source_image).cpu()}
        | {name: draw_poses(pose.to("cpu"), batch.size) for name, pose in poses.items()}
        | {name: to_bytes(photo.detach()).cpu() for name, photo in photos.items()}
    )


def stages(output: Output) -> dict[str, Tensor]:
    """Return the coarse pictures and smaller scales of a result, all (B, 3, H, W), enlarged to it pixel by pixel."""
    pictures = {
        f"{name} {i}": picture
        for name in ("coarse", "scales")
        for i, picture in enumerate(output.aux.get(name, ()))
        if picture.shape[1] == 3 and picture is not output.image
    }
    return {name: F.interpolate(picture.float(), output.image.shape[-2:]) for name, picture in pictures.items()}


def lay_out(cells: Tensor, columns: Sequence[str], captions: Sequence[str], blocks: int = 2) -> Image.Image:
    """Return rows of pictures (R, C, 3, H, W) uint8 on white, column names above, a caption under each row.

    The rows stand in `blocks` blocks beside each other, read down the first block, then down the next.
    """
    rows, count, _, height, width = cells.shape
    font = ImageFont.load_default(11)
    step_x = max([width, *(int(font.getlength(name)) for name in columns)]) + GAP
    step_y, per_block = height + CAPTION + GAP, -(-rows // blocks)
    block = count * step_x + 4 * GAP
    sheet = Image.new("RGB", (blocks * block - 3 * GAP, CAPTION + per_block * step_y), "white")
    pen = ImageDraw.Draw(sheet)
    for b in range(blocks):
        for c, name in enumerate(columns):
            pen.text((GAP + b * block + c * step_x, 1), name, "black", font)
    for r in range(rows):
        left, top = GAP + r // per_block * block, CAPTION + r % per_block * step_y
        for c in range(count):
            sheet.paste(to_pil(cells[r, c]), (left + c * step_x, top))
        pen.text((left, top + height), captions[r], "black", font)
    return sheet
