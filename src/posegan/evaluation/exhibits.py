"""Which pairs of a benchmark are shown and what each row makes of them, for the page. It scores nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from posegan.data.dataset import PosePairDataset
from posegan.evaluation.inspection import stage_strips
from posegan.evaluation.rows import Row, Weights
from posegan.evaluation.sheet import choose_rows
from posegan.evaluation.strips import Strip
from posegan.images import to_bytes
from posegan.inference.predictor import Predictor
from posegan.pose.draw import draw_poses
from posegan.spread import evenly_spread

INSIDE = 2  # fixed pairs whose intermediate results are shown
LONGEST = 10  # pictures of one kind of them
WARM, RUNS, SECONDS = 3, 25, 5.0  # passes before timing; then at most so many, for about so long


@dataclass(frozen=True, eq=False)
class Shown:
    """A pair's own pictures, (3, H, W) uint8 each: source, target pose, target."""

    source: Tensor
    pose: Tensor
    target: Tensor


@dataclass(frozen=True, eq=False)
class Exhibit:
    """What one row shows.

    pictures: {pair: (3, H, W) uint8}, of the fixed pairs and, for a model, of its ranked ones. ranked: {"best": pairs,
    "median": ..., "worst": ...}. inside: {pair: strips} of a model's intermediate results.
    """

    pictures: Mapping[int, Tensor]
    ranked: Mapping[str, Sequence[int]] = field(default_factory=dict)
    inside: Mapping[int, Sequence[Strip]] = field(default_factory=dict)


def fixed_pairs_of(count: int) -> list[int]:
    """Return the pairs that every row shows: at even distances, whatever the rows make of them."""
    return choose_rows(torch.zeros(count))["fixed"]


def ranked_pairs_of(scores: Tensor) -> dict[str, list[int]]:
    """Return the best, median and worst pairs by scores (N,), best first."""
    chosen = choose_rows(scores)
    return {name: chosen[name][::-1] for name in ("best", "median", "worst")}


def show_pairs(dataset: PosePairDataset, pairs: Sequence[int]) -> dict[int, Shown]:
    """Return the own pictures of pairs."""
    batch = dataset.batch(torch.tensor(pairs))
    columns = (to_bytes(batch.source_image), draw_poses(batch.target_pose, batch.size), to_bytes(batch.target_image))
    return {pair: Shown(*(column[i] for column in columns)) for i, pair in enumerate(pairs)}


def exhibit(
    row: Row, dataset: PosePairDataset, fixed: Sequence[int], ranked: Mapping[str, Sequence[int]], device: str
) -> Exhibit:
    """Return what a row makes of the fixed pairs and of its ranked ones."""
    pairs = sorted({*fixed, *(pair for group in ranked.values() for pair in group)})
    batch = dataset.batch(torch.tensor(pairs)).to(device)
    pictures = dict(zip(pairs, row.pictures(batch).cpu(), strict=True))
    if not isinstance(row, Weights):
        return Exhibit(pictures, ranked)
    few = list(fixed[:INSIDE])
    batch = dataset.batch(torch.tensor(few))
    output = row.predictor.output(batch.source_image, batch.source_pose, batch.target_pose)
    return Exhibit(pictures, ranked, dict(zip(few, map(_thinned, stage_strips(output, batch.size)), strict=True)))


def _thinned(strips: Sequence[Strip]) -> list[Strip]:
    """Strips of at most LONGEST pictures, taken at even distances."""
    places = [evenly_spread(len(s.cells), LONGEST).tolist() for s in strips]
    return [Strip(s.title, [s.cells[i] for i in chosen]) for s, chosen in zip(strips, places, strict=True)]


def seconds_per_photo(predictor: Predictor, dataset: PosePairDataset) -> float:
    """Return the least time in seconds of generating one photo at batch size 1, after a few to warm up.

    The least, since whatever else a machine does can only add to it.
    """
    batch = dataset.batch(torch.tensor([0])).to(predictor.device)
    times: list[float] = []
    for run in range(WARM + RUNS):
        start = time.perf_counter()
        predictor.repose(batch.source_image, batch.source_pose, batch.target_pose).cpu()  # waits for the device
        if run >= WARM:
            times.append(time.perf_counter() - start)
        if len(times) >= 5 and sum(times) > SECONDS:
            break
    return min(times)
