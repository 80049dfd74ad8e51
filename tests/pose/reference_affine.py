"""The ten affines one person at a time, as the published code makes them: slow, obvious, NumPy and scikit-image.

Missing joints are NaN here. The polygons, the substitution and the "no point" rules follow the released Deformable GAN
code; only the scikit-image call is newer.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.transform import AffineTransform, estimate_transform

Points = NDArray[np.float64]  # (N, 2), (x, y), NaN where missing

NOWHERE = np.array([[1.0, 0.0, 1000.0], [0.0, 1.0, 1000.0]])
NAMES = (
    "nose", "neck", "Rsho", "Relb", "Rwri", "Lsho", "Lelb", "Lwri", "Rhip", "Rkne", "Rank", "Lhip", "Lkne", "Lank",
    "Reye", "Leye", "Rear", "Lear",
)  # fmt: skip
LIMBS = (
    ("Rhip", "Rkne", 0.1), ("Lhip", "Lkne", 0.1), ("Rkne", "Rank", 0.3), ("Lkne", "Lank", 0.3),
    ("Rsho", "Relb", 0.1), ("Lsho", "Lelb", 0.1), ("Relb", "Rwri", 0.3), ("Lelb", "Lwri", 0.3),
)  # fmt: skip


def joint(pose: Points, name: str) -> Points:
    return pose[NAMES.index(name)]


def there(pose: Points, *names: str) -> bool:
    return all(bool(np.isfinite(joint(pose, name)).all()) for name in names)


def other_side(name: str) -> str:
    return {"R": "L", "L": "R"}[name[0]] + name[1:]


def torso_scale(pose: Points) -> float:
    sides = [np.linalg.norm(joint(pose, f"{s}hip") - joint(pose, f"{s}sho")) for s in "RL"]
    return float(np.sqrt((sides[0] ** 2 + sides[1] ** 2) / 2))


def limb_polygon(start: Points, end: Points, scale: float, overshoot: float) -> Points:
    start = start + 0.1 * (start - end)
    end = end + overshoot * (end - start)
    length = np.linalg.norm(start - end)
    if length == 0:
        return np.array([start + 1, start - 1, end - 1, end + 1])
    dx, dy = (start - end) / length
    normal = 0.2 * scale * np.array([-dy, dx])
    return np.array([start + normal, start - normal, end - normal, end + normal])


def estimate(target: Points, source: Points) -> Points:
    """Return the affine (2, 3) from target to source points, NOWHERE where there is none or a singular one."""
    if np.linalg.matrix_rank(target - target.mean(0), tol=1e-6) < 2:
        return NOWHERE  # older versions return rubbish, newer ones fail only sometimes
    if hasattr(AffineTransform, "from_estimate"):
        transform = AffineTransform.from_estimate(target, source)
    else:
        transform = estimate_transform("affine", target, source)
    if not transform or not np.isfinite(transform.params).all():
        return NOWHERE
    if np.linalg.cond(transform.params[:2, :2]) > 1e6:
        return NOWHERE
    return np.asarray(transform.params[:2])


def part_affines(source: Points, target: Points) -> Points:
    """Return (10, 2, 3) for one source and one target (18, 2) with all four torso joints in both."""
    affines = np.stack([NOWHERE] * 10)
    torso = ("Rhip", "Lhip", "Lsho", "Rsho")
    affines[0] = estimate(*(np.array([joint(p, n) for n in torso]) for p in (target, source)))

    head = [n for n in ("nose", "Reye", "Leye", "Rear", "Lear") if there(source, n) and there(target, n)]
    if head:
        head += ["Rsho", "Lsho"]
        affines[1] = estimate(*(np.array([joint(p, n) for n in head]) for p in (target, source)))

    for part, (start, end, overshoot) in enumerate(LIMBS, 2):
        if not there(target, start, end):
            continue
        names = (start, end)
        if not there(source, *names):
            names = (other_side(start), other_side(end))
        if not there(source, *names):
            continue
        to_polygon = limb_polygon(joint(target, start), joint(target, end), torso_scale(target), overshoot)
        from_polygon = limb_polygon(joint(source, names[0]), joint(source, names[1]), torso_scale(source), overshoot)
        affines[part] = estimate(to_polygon, from_polygon)
    return affines
