"""How metrics appear in tables: groups, headings, digits, and which direction is better. It computes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

GROUPS = {
    "photo against target": {
        "ssim_paper": "SSIM (paper)",
        "ssim_standard": "SSIM (standard)",
        "mask_ssim_paper": "mask-SSIM (paper)",
        "l1": "L1",
        "mask_l1": "mask-L1",
        "psnr": "PSNR",
        "lpips_alex": "LPIPS (Alex)",
        "lpips_squeeze_caffe": "LPIPS-like (squeeze)",
    },
    "pose and person": {
        "pckh_paper_openpose": "PCKh (OpenPose)",
        "pckh_paper_movenet": "PCKh (MoveNet)",
        "pckh_paper_movenet_share": "PCKh share of real",
        "pckh_euclidean_movenet": "PCKh Euclidean",
        "pckh_euclidean_movenet_share": "PCKh Euclidean share of real",
        "keypoint_distance_movenet": "keypoints off, px",
        "identity_source_osnet": "identity to source",
        "identity_target_osnet": "identity to target",
        "person_score_ssd300_coco": "person score",
    },
    "sets of photos": {
        "is": "IS",
        "is_std": "IS deviation",
        "mask_is": "mask-IS",
        "mask_is_std": "mask-IS deviation",
        "fid_targets": "FID to targets",
        "fid_training": "FID to training",
        "frechet_squeeze_caffe": "FID-like (squeeze)",
    },
    "SSIM of other papers": {
        "mask_ssim_standard": "mask-SSIM (standard)",
        "ssim_pg2": "SSIM (PG2)",
        "ssim_uniform51": "SSIM (uniform 51)",
        "ssim_gaussian1.5": "SSIM (Gaussian 1.5)",
        "ssim_gaussian1.2": "SSIM (Gaussian 1.2)",
    },
}
"""{group: {metric: the words above its column}}, all in the order of the tables."""

HEADINGS = {metric: words for group in GROUPS.values() for metric, words in group.items()}
LOWER_IS_BETTER = ("l1", "mask_l1", "fid_", "frechet_", "lpips_", "keypoint_distance_")  # beginnings of names
NEITHER = ("is_std", "mask_is_std")
COARSE = ("psnr", "fid_", "frechet_", "keypoint_distance_")  # two digits; all others have four


def heading(metric: str) -> str:
    """Return the words above a metric's column."""
    return HEADINGS.get(metric, metric.replace("_", " "))


def group_of(metric: str) -> str:
    """Return the group that a metric's column stands in; one that is not in GROUPS stands in the second."""
    return next((group for group, metrics in GROUPS.items() if metric in metrics), list(GROUPS)[1])


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


def grouped(metrics: Iterable[str]) -> dict[str, list[str]]:
    """Return {group: its metrics}, without repetition and without empty groups, in the order of GROUPS."""
    place = {metric: i for i, metric in enumerate(HEADINGS)}
    ordered = sorted(dict.fromkeys(metrics), key=lambda metric: place.get(metric, len(place)))
    found = {group: [metric for metric in ordered if group_of(metric) == group] for group in GROUPS}
    return {group: members for group, members in found.items() if members}
