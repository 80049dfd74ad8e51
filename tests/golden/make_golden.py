"""Make the golden pictures, arrays and scores of this folder from one seed, without posegan.

    python tests/golden/make_golden.py      # writes pairs.png, wide.png, arrays.npz and values.json beside itself

The scores come from scikit-image (SSIM, PSNR), from SciPy (Frechet distance; the Gaussian of the published SSIM, as
scikit-image 0.13 used it) and from plain NumPy loops (L1, PCKh, keypoint distance, inception score, LPIPS's formula).
`test_golden.py` compares posegan with the committed files; run this again only to add a metric, and look at the diff.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.linalg import sqrtm
from scipy.ndimage import gaussian_filter, zoom
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

FOLDER = Path(__file__).parent
HEAD = (0, 1, 14, 15, 16, 17)
Floats = NDArray[np.float64]
Photo = NDArray[np.uint8]


def pictures(random: np.random.Generator, pairs: int, height: int, width: int) -> tuple[list[Photo], list[Photo]]:
    """Pairs that differ by noise, by brightness, by everything, and one whose generated picture is washed out."""
    target = [zoom(random.uniform(0, 255, (4, 3, 3)), (height / 4, width / 3, 1), order=1) for _ in range(pairs)]
    other = [zoom(random.uniform(0, 255, (3, 4, 3)), (height / 3, width / 4, 1), order=1) for _ in range(pairs)]
    noise = random.normal(0, 12, (height, width, 3))
    made = [target[0] + noise, 0.6 * target[1] + 60, other[2], 120 + 0.04 * target[3]] if pairs == 4 else other
    return [clip(x) for x in made], [clip(x) for x in target]


def clip(x: Floats) -> Photo:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def published_ssim(x: Photo, y: Photo) -> float:
    """scikit-image 0.13: Gaussian cut at 4 sigma, 5 border pixels left out, the range of the generated picture x."""
    extent = float(x.max()) - float(x.min())
    c1, c2 = (0.01 * extent) ** 2, (0.03 * extent) ** 2
    scores = []
    for channel in range(3):
        a, b = x[..., channel].astype(float), y[..., channel].astype(float)
        ma, mb, aa, bb, ab = (gaussian_filter(m, 1.5, truncate=4.0) for m in (a, b, a * a, b * b, a * b))
        top = (2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2)
        bottom = (ma**2 + mb**2 + c1) * (aa - ma**2 + bb - mb**2 + c2)
        scores.append((top / bottom)[5:-5, 5:-5].mean())
    return float(np.mean(scores))


def ssim(x: Photo, y: Photo, protocol: str) -> float:
    extent = float(x.max()) - float(x.min())
    if protocol == "paper":
        return published_ssim(x, y)
    if protocol == "uniform51":
        return float(structural_similarity(y / 255, x / 255, data_range=1, win_size=51, channel_axis=2))
    gaussian = {"gaussian_weights": True, "use_sample_covariance": False, "channel_axis": 2}
    options = {
        "standard": {"data_range": 255, "sigma": 1.5, **gaussian},
        "pg2": {"data_range": 255, "channel_axis": 2},
        "gaussian1.5": {"data_range": extent, "sigma": 1.5, **gaussian},
        "gaussian1.2": {"data_range": extent, "sigma": 1.2, **gaussian},
    }[protocol]
    return float(structural_similarity(y, x, **options))


def l1(x: Photo, y: Photo) -> float:
    return float(np.abs((x / 127.5 - 1) - (y / 127.5 - 1)).mean())


def pckh(made: Floats, made_seen: NDArray[np.bool_], goal: Floats, seen: NDArray[np.bool_], rule: str) -> list[int]:
    """Correct and counted joints of one pose (18, 2)."""
    head = [goal[j] for j in HEAD if seen[j]]
    if len(head) < 2:
        return [0, 0]
    width, height = np.max(head, 0) - np.min(head, 0)
    correct = 0
    for j in np.flatnonzero(seen):
        dx, dy = np.abs(made[j] - goal[j])
        near = dx < width / 2 and dy < height / 2
        if rule == "euclidean":
            near = np.hypot(dx, dy) < np.hypot(width, height) / 2
        correct += bool(made_seen[j] and near)
    return [correct, int(seen.sum())]


def frechet(a: Floats, b: Floats) -> float:
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real))


def inception(p: Floats, splits: int) -> list[float]:
    scores = []
    for s in range(splits):
        part = p[s * len(p) // splits : (s + 1) * len(p) // splits]
        scores.append(np.exp((part * (np.log(part) - np.log(part.mean(0)))).sum(1).mean()))
    return [float(np.mean(scores)), float(np.std(scores))]


def perceptual(a: Floats, b: Floats, head: Floats) -> Floats:
    a, b = (x / np.sqrt((x**2).sum(1, keepdims=True)) for x in (a, b))
    return (((a - b) ** 2) * head[:, None, None]).sum(1).mean((1, 2))


def sheet(*columns: list[Photo]) -> Image.Image:
    """Generated pictures in the left column, targets in the right one."""
    return Image.fromarray(np.concatenate([np.concatenate(column) for column in columns], 1))


def main() -> None:
    random = np.random.default_rng(20261121)
    made, goal = pictures(random, 4, 24, 20)
    wide_made, wide_goal = pictures(random, 1, 56, 52)
    mask = np.zeros((4, 24, 20), dtype=bool)
    mask[:2, 4:20, 5:15] = mask[2:, 2:15, 3:17] = True
    xy = random.integers(0, 48, (12, 18, 2)).astype(float)
    found = xy + random.normal(0, 9, xy.shape).round(1)
    seen, found_seen = random.random((2, 12, 18)) < np.linspace(0.1, 1, 12)[:, None]
    features = [random.normal(m, 1, (n, 7)) @ random.normal(0, 1, (7, 7)) for m, n in ((0, 40), (0.3, 50))]
    logits = random.normal(0, 2, (43, 9))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    maps, heads = random.random((2, 3, 5, 4, 3)), random.random(5)
    arrays = {
        "mask": mask,
        "xy": xy,
        "seen": seen,
        "found": found,
        "found_seen": found_seen,
        "features_a": features[0],
        "features_b": features[1],
        "probabilities": probabilities,
        "maps": maps,
        "heads": heads,
    }
    black = [(x * m[..., None], y * m[..., None]) for x, y, m in zip(made, goal, mask, strict=True)]
    pairs, both = list(zip(made, goal, strict=True)), found_seen & seen
    protocols = ("paper", "standard", "pg2", "gaussian1.5", "gaussian1.2")
    poses = list(zip(found, found_seen, xy, seen, strict=True))
    values = {
        "ssim": {name: [ssim(x, y, name) for x, y in pairs] for name in protocols},
        "ssim_wide": {"uniform51": [ssim(wide_made[0], wide_goal[0], "uniform51")]},
        "masked_ssim": {name: [ssim(x, y, name) for x, y in black] for name in ("paper", "standard")},
        "l1": [l1(x, y) for x, y in pairs],
        "masked_l1": [l1(x, y) for x, y in black],
        "psnr": [float(peak_signal_noise_ratio(y, x, data_range=255)) for x, y in pairs],
        "pckh": {rule: [pckh(*pose, rule) for pose in poses] for rule in ("paper", "euclidean")},
        "keypoint_distance": float(np.hypot(*(found - xy).transpose(2, 0, 1))[both].mean()),
        "frechet_distance": frechet(*features),
        "inception_score": inception(probabilities, 10),
        "perceptual_distance": perceptual(*maps, heads).tolist(),
    }
    sheet(made, goal).save(FOLDER / "pairs.png")
    sheet(wide_made, wide_goal).save(FOLDER / "wide.png")
    np.savez_compressed(FOLDER / "arrays.npz", **arrays)
    made_by = {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "scikit-image")}
    text = json.dumps({"made_by": made_by, "values": values}, indent=1)
    (FOLDER / "values.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
