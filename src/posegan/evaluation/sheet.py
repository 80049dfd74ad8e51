"""The comparison sheet of an evaluation: fixed pairs, then the worst, median and best by SSIM. It scores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from posegan.batch import Batch
from posegan.data.dataset import PosePairDataset
from posegan.images import to_bytes, to_pil, write_png
from posegan.inference.output import provenance
from posegan.inference.predictor import Predictor
from posegan.pose.draw import draw_poses

COLUMNS = ("source", "source pose", "target pose", "target", "generated")
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
        "fixed": torch.linspace(0, count - 1, min(FIXED, count)).round().long().tolist(),
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
    generated = predictor.repose(batch.source_image, batch.source_pose, batch.target_pose).cpu()
    sheet = lay_out(comparison(batch, generated), COLUMNS, captions)
    write_png(path, sheet, provenance(predictor, "see metrics.json"))


def comparison(batch: Batch, generated: Tensor) -> Tensor:
    """Return (B, 5, 3, H, W) uint8: source, source pose, target pose, target, generated."""
    source, target = to_bytes(batch.source_image), to_bytes(batch.target_image)
    poses = [to_bytes(draw_poses(pose, batch.size)) for pose in (batch.source_pose, batch.target_pose)]
    return torch.stack([source, *poses, target, to_bytes(generated)], 1)


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
