"""Every metric on the committed pictures and arrays against the values of independent packages (make_golden.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from posegan import metrics
from posegan.images import read_photo, to_signed
from posegan.pose import Pose

FOLDER = Path(__file__).parent
VALUES: dict[str, Any] = json.loads((FOLDER / "values.json").read_text(encoding="utf-8"))["values"]


def photos(name: str, height: int) -> tuple[Tensor, Tensor]:
    """Generated pictures and targets (N, 3, H, W) uint8: the two columns of a sheet."""
    columns = read_photo(FOLDER / name).chunk(2, dim=2)
    made, goal = (torch.stack(column.split(height, dim=1)) for column in columns)
    return made, goal


@pytest.fixture(scope="module")
def arrays() -> dict[str, Tensor]:
    with np.load(FOLDER / "arrays.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


@pytest.fixture(scope="module")
def poses(arrays: dict[str, Tensor]) -> tuple[Pose, Pose]:
    return Pose(arrays["found"], arrays["found_seen"]), Pose(arrays["xy"], arrays["seen"])


@pytest.mark.parametrize("protocol", metrics.PROTOCOLS)
def test_ssim(protocol: str) -> None:
    name, height, group = ("wide.png", 56, "ssim_wide") if protocol == "uniform51" else ("pairs.png", 24, "ssim")
    made, goal = photos(name, height)
    scores = metrics.ssim(to_signed(made), to_signed(goal), protocol)
    assert scores.tolist() == pytest.approx(VALUES[group][protocol], abs=1e-6)


@pytest.mark.parametrize("protocol", ["paper", "standard"])
def test_masked_ssim(protocol: str, arrays: dict[str, Tensor]) -> None:
    scores = metrics.masked_ssim(*photos("pairs.png", 24), arrays["mask"], protocol)
    assert scores.tolist() == pytest.approx(VALUES["masked_ssim"][protocol], abs=1e-6)


def test_pixel_distances(arrays: dict[str, Tensor]) -> None:
    made, goal = photos("pairs.png", 24)
    assert metrics.l1(made, goal).tolist() == pytest.approx(VALUES["l1"], abs=1e-6)
    assert metrics.masked_l1(made, goal, arrays["mask"]).tolist() == pytest.approx(VALUES["masked_l1"], abs=1e-6)
    assert metrics.psnr(made, goal).tolist() == pytest.approx(VALUES["psnr"], abs=1e-4)


@pytest.mark.parametrize("rule", ["paper", "euclidean"])
def test_pckh(rule: str, poses: tuple[Pose, Pose]) -> None:
    correct, counted = metrics.pckh(*poses, rule)
    assert [list(pair) for pair in zip(correct.tolist(), counted.tolist(), strict=True)] == VALUES["pckh"][rule]


def test_keypoint_distance(poses: tuple[Pose, Pose]) -> None:
    distance, counted = metrics.keypoint_distance(*poses)
    assert float(distance.sum() / counted.sum()) == pytest.approx(VALUES["keypoint_distance"], rel=1e-6)


def test_set_scores(arrays: dict[str, Tensor]) -> None:
    a, b = (metrics.Moments.of(arrays[name]) for name in ("features_a", "features_b"))
    assert metrics.frechet_distance(a, b) == pytest.approx(VALUES["frechet_distance"], rel=1e-9)
    assert metrics.inception_score(arrays["probabilities"]) == pytest.approx(VALUES["inception_score"], rel=1e-9)


def test_perceptual_distance(arrays: dict[str, Tensor]) -> None:
    a, b = arrays["maps"].float()
    scores = metrics.perceptual_distance([a], [b], [arrays["heads"].float()])
    assert scores.tolist() == pytest.approx(VALUES["perceptual_distance"], rel=1e-5)
