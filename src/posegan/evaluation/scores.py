"""`evaluate`: one model on a list of pairs, beside the rows 'real' and 'source copied' that every table needs.

Scores are taken from tensors rounded to 8 bits, never from files. The report's form is in evaluation/report.py, the
definitions of the metrics are in posegan.metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from posegan.batch import Batch
from posegan.data.assemble import Split
from posegan.data.dataset import PosePairDataset
from posegan.evaluation.report import Evaluation, describe_run, write_metrics
from posegan.evaluation.scorers import REAL
from posegan.evaluation.sheet import write_sheet
from posegan.images import to_bytes, write_png
from posegan.inference.open_data import named_pairs, open_data, require_size
from posegan.inference.output import out_folder, pair_name, provenance, require_distinct_names
from posegan.inference.predictor import Predictor
from posegan.metrics import PROTOCOLS, Accumulator, l1, masked_l1, masked_ssim, psnr, ssim
from posegan.places import require_folder_place
from posegan.pose.mask import body_mask

METRICS: Mapping[str, str] = {
    "ssim_paper": "SSIM as published: Gaussian window, the dynamic range is the generated image's own",
    "ssim_standard": "SSIM of Wang et al. 2004: Gaussian window, dynamic range 255",
    "mask_ssim_paper": "SSIM as published on both images blackened outside the target's body mask, whole frame",
    "l1": "mean absolute difference on the [-1, 1] scale",
    "mask_l1": "the same on both images blackened outside the target's body mask, divided by all pixels",
    "psnr": "peak signal-to-noise ratio in dB, peak 255; equal images have none",
}
"""Name and protocol of every metric of an evaluation, in the order of the table."""

WINDOWS: Mapping[str, str] = {
    "mask_ssim_standard": "mask-SSIM with a Gaussian window and dynamic range 255",
    "ssim_pg2": "SSIM of PG2's own tables: flat 7x7 window, sample covariance, dynamic range 255",
    "ssim_uniform51": "SSIM of the newer line (GFLA and after): flat 51x51 window on [0, 1], sample covariance",
    "ssim_gaussian1.5": "SSIM of the newer line: Gaussian of sigma 1.5, the dynamic range is the generated image's own",
    "ssim_gaussian1.2": "SSIM of the newer line: Gaussian of sigma 1.2, the dynamic range is the generated image's own",
}
"""Name and protocol of the other SSIMs in print, which `benchmark` measures too."""

COPIED = "source copied"


def evaluate(
    model: Predictor | str | Path | None,
    dataset: PosePairDataset | str | Path,
    out: str | Path | None = None,
    *,
    pairs: str | Path | None = None,
    split: Split | None = None,
    limit: int | None = None,
    batch_size: int = 32,
    save_images: bool = False,
    progress: bool = False,
) -> Evaluation:
    """Score a model on the pairs of a data set and, with `out`, write the report into that folder.

    model: a predictor, weights by name or path, or None for the shipped weights.
    dataset: a data set, or what `open_data` takes together with `pairs` and `split`. limit: only the first pairs.
    save_images: also write every generated photo as a PNG.
    Returns the means of all rows and the scores of every pair, in the order of the data set's pairs.
    Raises UserError if the photos have not the model's size, if `out` is a file, or as `open_data`.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    data = str(dataset) if isinstance(dataset, str | Path) else type(dataset).__name__
    if isinstance(dataset, str | Path):
        if out is not None:
            require_folder_place(out, dataset)
        dataset = open_data(dataset, predictor.size, pairs, split)
    require_size(dataset, predictor.size)
    count = len(dataset) if limit is None else min(limit, len(dataset))
    folder = out_folder(out) if out is not None else None
    if folder is not None and save_images:
        require_distinct_names(dataset.pair_names()[:count])
    name = predictor.info.model if predictor.info else "model"
    means = {row: Accumulator() for row in (REAL, COPIED, name)}
    pair_scores: list[dict[str, Tensor]] = []
    for batch in _batches(dataset, count, batch_size, progress):
        batch = batch.to(predictor.device)
        generated = predictor.repose(batch.source_image, batch.source_pose, batch.target_pose)
        candidates = {REAL: batch.target_image, COPIED: batch.source_image, name: generated}
        mask = body_mask(batch.target_pose, batch.size)
        scores = {row: score(image, batch.target_image, mask) for row, image in candidates.items()}
        for row, values in scores.items():
            means[row].add(values)
        pair_scores.append({metric: values.cpu() for metric, values in scores[name].items()})
        if folder is not None and save_images:
            _write_images(folder / "images", batch, generated, predictor)
    result = Evaluation(
        rows={row: mean.means() for row, mean in means.items()},
        pairs=dataset.pair_names()[:count],
        scores={metric: torch.cat([scores[metric] for scores in pair_scores]) for metric in METRICS},
        protocols=dict(METRICS),
        run=describe_run(predictor)
        | {"data": data, "pairs": named_pairs(pairs, split), "left_out": dataset.report.counts},
    )
    if folder is not None:
        write_metrics(folder, result)
        write_sheet(folder / "sheet.png", predictor, dataset, result.scores["ssim_paper"])
    return result


def score(generated: Tensor, target: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return every metric of two (B, 3, H, W) batches in [-1, 1] as {name: (B,)}.

    mask: (B, H, W) bool, the body of the target.
    """
    generated, target = to_bytes(generated), to_bytes(target)
    return {
        "ssim_paper": ssim(generated, target, "paper"),
        "ssim_standard": ssim(generated, target, "standard"),
        "mask_ssim_paper": masked_ssim(generated, target, mask, "paper"),
        "l1": l1(generated, target),
        "mask_l1": masked_l1(generated, target, mask),
        "psnr": psnr(generated, target),
    }


def other_windows(generated: Tensor, target: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return those metrics of WINDOWS whose windows fit into the images as {name: (B,)}; arguments as `score`."""
    generated, target = to_bytes(generated), to_bytes(target)
    scores = {}
    for name in fitting(target.shape[-2:]):
        masked, _, protocol = name.partition("ssim_")
        scores[name] = masked_ssim(generated, target, mask, protocol) if masked else ssim(generated, target, protocol)
    return scores


def fitting(size: Sequence[int]) -> list[str]:
    """Return the metrics of WINDOWS that images of (H, W) are large enough for."""
    return [name for name in WINDOWS if min(size) > 2 * PROTOCOLS[name.partition("ssim_")[2]].crop]


def _batches(dataset: PosePairDataset, count: int, batch_size: int, progress: bool) -> Iterator[Batch]:
    console = Console(stderr=True)
    hidden = not (progress and console.is_terminal)
    for first in track(range(0, count, batch_size), "evaluating", console=console, transient=True, disable=hidden):
        yield dataset.batch(torch.arange(first, min(first + batch_size, count)))


def _write_images(folder: Path, batch: Batch, generated: Tensor, predictor: Predictor) -> None:
    for source, target, image in zip(batch.source_names, batch.target_names, generated, strict=True):
        write_png(folder / f"{pair_name(source, target)}.png", image, provenance(predictor, source))
