"""How metrics appear in a table: the heading, the digits, and which direction is better. It computes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

HEADINGS = {
    "ssim_paper": "SSIM (paper)",
    "ssim_standard": "SSIM (standard)",
    "mask_ssim_paper": "mask-SSIM (paper)",
    "l1": "L1",
    "mask_l1": "mask-L1",
    "psnr": "PSNR",
    "is": "IS",
    "is_std": "IS, deviation",
    "mask_is": "mask-IS",
    "mask_is_std": "mask-IS, deviation",
    "fid_targets": "FID, targets",
    "fid_training": "FID, training",
    "lpips_alex": "LPIPS (Alex)",
    "lpips_squeeze_caffe": "LPIPS-like (squeeze)",
    "pckh_paper_openpose": "PCKh (OpenPose)",
    "pckh_paper_movenet": "PCKh (MoveNet)",
    "pckh_paper_movenet_share": "PCKh, share of real",
    "pckh_euclidean_movenet": "PCKh, Euclidean",
    "pckh_euclidean_movenet_share": "PCKh, Euclidean, share of real",
    "keypoint_distance_movenet": "keypoints off, px",
    "identity_source_osnet": "identity, source",
    "identity_target_osnet": "identity, target",
    "person_score_ssd300_coco": "person score",
}
LOWER_IS_BETTER = ("l1", "mask_l1", "fid_", "lpips_", "keypoint_distance_")  # beginnings of names
NEITHER = ("is_std", "mask_is_std")
COARSE = ("psnr", "fid_", "keypoint_distance_")  # two digits; all others have four


def heading(metric: str) -> str:
    """Return the words above a metric's column."""
    return HEADINGS.get(metric, metric.replace("_", " "))


def direction(metric: str) -> int:
    """Return 1 if higher is better, -1 if lower is, 0 if neither."""
    if metric in NEITHER:
        return 0
    return -1 if metric.startswith(LOWER_IS_BETTER) else 1


def number(metric: str, value: float | None, digits: int | None = None) -> str:
    """Return a score as text, empty for one that is not there or no finite number."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.{(2 if metric.startswith(COARSE) else 4) if digits is None else digits}f}"


def ordered(metrics: Iterable[str]) -> list[str]:
    """Return metrics without repetition in the order of HEADINGS, unknown ones last."""
    place = {metric: i for i, metric in enumerate(HEADINGS)}
    return sorted(dict.fromkeys(metrics), key=lambda metric: place.get(metric, len(place)))
