"""Scores as papers print them, shown next to ours and labelled as theirs. Nothing here was measured by posegan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAPER = "Huang et al. 2020 (APS)"
FOOTNOTE = (
    f"Published rows: table 1 of {PAPER}, L1 and mask-L1 of APS from its table 2. That paper took Deformable GAN's row "
    "from a re-test by PATN's authors and cites PG2, Disentangled and VUNet. They are means over other lists of pairs "
    "(12,000 on Market-1501, 8,570 on DeepFashion) than the one measured here, with OpenPose as the keypoint detector, "
    "so a difference of a few thousandths means nothing. DeepFashion's were taken after padding with white to 256x256."
)


@dataclass(frozen=True)
class PublishedRow:
    """One system's scores: where they were printed, {metric: value}, and how large its generator is.

    parameters: in millions, of the registered model `model` that rebuilds it, as the recipe for these data has it.
    """

    name: str
    source: str
    values: Mapping[str, float]
    model: str | None
    parameters: float | None


_MARKET = ("ssim_paper", "is", "mask_ssim_paper", "mask_is", "pckh_paper_openpose")
_FASHION = ("ssim_paper", "is", "pckh_paper_openpose")

# name, registered model, million parameters of its generator for Market-1501 and DeepFashion, scores on both
_Numbers = tuple[float | None, ...]
_TABLE_1: tuple[tuple[str, str | None, _Numbers, _Numbers, _Numbers], ...] = (
    ("Real data", None, (None, None), (1.000, 3.890, 1.000, 3.706, 1.00), (1.000, 4.053, 1.00)),
    ("PG2", "pg2", (76.85, 134.80), (0.261, 3.495, 0.782, 3.367, 0.73), (0.773, 3.163, 0.89)),
    ("Disentangled", "disentangled", (127.90, 148.99), (0.099, 3.483, 0.614, 3.491, None), (0.614, 3.228, None)),
    ("VUNet", "vunet", (46.19, 46.04), (0.266, 2.965, 0.793, 3.549, 0.92), (0.763, 3.440, 0.93)),
    ("Deformable GAN", "deformable", (61.11, 82.08), (0.291, 3.230, 0.807, 3.502, 0.94), (0.760, 3.362, 0.94)),
    ("PATN", "patn", (41.37, 41.36), (0.311, 3.323, 0.811, 3.773, 0.94), (0.773, 3.209, 0.96)),
    ("APS", "aps", (38.98, 66.99), (0.312, 3.132, 0.808, 3.729, 0.94), (0.775, 3.295, 0.96)),
)
_TABLE_2 = {"market": {"l1": 0.281, "mask_l1": 0.079}, "deepfashion": {"l1": 0.097}}  # of APS in full


def published_rows(kind: str) -> list[PublishedRow]:
    """Return the published rows for a kind of data set ("market" or "deepfashion"); none for any other."""
    if kind not in _TABLE_2:
        return []
    names = _MARKET if kind == "market" else _FASHION
    column = 0 if kind == "market" else 1
    rows = []
    for name, model, millions, *scores in _TABLE_1:
        figures = scores[column]
        values = {metric: value for metric, value in zip(names, figures, strict=True) if value is not None}
        more, source = (_TABLE_2[kind], "tables 1 and 2") if name == "APS" else ({}, "table 1")
        rows.append(PublishedRow(name, f"{PAPER}, {source}", values | more, model, millions[column]))
    return rows
