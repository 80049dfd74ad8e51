"""The affine between two point sets as scikit-image estimates it, batched, in closed form and a few fixed steps.

Which points make which part is in pose/affine.py. There is no torch.linalg here: it neither exports to ONNX nor stays
on the device.
"""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = 8  # of the root search: on real poses 3 reach float32 rounding, on the oddest tried (6x12 pixel grid) 6
# Degenerate fits, in units where both point sets have root mean square distance sqrt(2) from their mean:
COLLINEAR = 1e-8  # variance of the target points across their line: 0.003 px for a torso of 30 px
LARGEST = 1e4  # norm of the linear part: a step of a hundredth of a pixel would cross the source photo
SINGULAR = 1e-6  # determinant of the linear part over its squared norm: the source points lie on a line
COINCIDENT = 1e-4  # pixels: root mean square distance of points that are all the same


def fit_affine(target: Tensor, source: Tensor, used: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit affines from target to source points, by total least squares on normalised homogeneous coordinates.

    target, source: (..., N, 2) points in pixels. used: (..., N) bool, the points that count.
    Returns linear parts (..., 2, 2), translations (..., 2) and whether each fit exists (...,); where it does not the
    numbers mean nothing. With fewer than three points the fit is the translation from mean to mean, with none it is
    the identity, and both exist.

    This is the smallest singular vector h = (a0, a1, a2, b0, b1, b2, s) of the equations a.(x, y, 1) + s X = 0 and
    b.(x, y, 1) + s Y = 0 over points normalised after Hartley (root mean square distance sqrt(2)); it differs from
    ordinary least squares by tens of pixels on odd poses. Centring makes a2 = b2 = 0. With P the covariance of the
    target and C that of source by target, h gives the linear part C (P - lambda I)^-1, where lambda is the smallest
    eigenvalue of [[P, 0, cx], [0, P, cy], [cx^T, cy^T, 2]] (cx, cy: the rows of C).
    """
    weight = used.to(target.dtype)  # (..., N)
    count = weight.sum(-1)  # (...,)
    target_mean, target_size, (x, y) = _normalise(target, weight, count)
    source_mean, source_size, (X, Y) = _normalise(source, weight, count)  # noqa: N806 (source in capitals)

    def mean(values: Tensor) -> Tensor:
        return values.sum(-1) / count.clamp(min=1)

    # Turn the target to its main axes, so that P = diag(major, minor).
    cosine, sine = _main_axis(mean(x * x - y * y) / 2, mean(x * y))  # (...,)
    u = x * cosine[..., None] + y * sine[..., None]  # (..., N) along the main axis
    v = y * cosine[..., None] - x * sine[..., None]
    major, minor = mean(u * u), mean(v * v)  # (...,), their sum is 2
    along = torch.stack([mean(X * u), mean(Y * u)], -1)  # (..., 2) columns of C in the turned frame
    across = torch.stack([mean(X * v), mean(Y * v)], -1)
    gap = _smallest_gap(major, minor, along.square().sum(-1), across.square().sum(-1))  # minor - lambda
    along = along / (major - minor + gap)[..., None]
    across = across / gap[..., None]
    # Turn back: columns of the linear part for the target's x and y.
    linear = torch.stack(
        [
            along * cosine[..., None] - across * sine[..., None],
            along * sine[..., None] + across * cosine[..., None],
        ],
        -1,
    )  # (..., 2, 2)
    norm = linear.square().sum((-2, -1))
    determinant = linear[..., 0, 0] * linear[..., 1, 1] - linear[..., 0, 1] * linear[..., 1, 0]
    exists = (minor > COLLINEAR) & (norm < LARGEST**2) & (determinant.abs() > SINGULAR * norm)
    exists = exists & (target_size > COINCIDENT) & (source_size > COINCIDENT)

    linear = linear * (source_size / target_size.clamp(min=COINCIDENT))[..., None, None]
    few = count < 3
    identity = torch.eye(2, device=linear.device, dtype=linear.dtype)
    linear = torch.where(few[..., None, None], identity, linear)
    shift = source_mean - (linear * target_mean[..., None, :]).sum(-1)
    return linear, shift, exists | few


def _normalise(points: Tensor, weight: Tensor, count: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Return the mean (..., 2), the size (...,) and the normalised x and y (..., N), 0 where the weight is 0."""
    count = count.clamp(min=1)
    mean = (points * weight[..., None]).sum(-2) / count[..., None]
    centred = (points - mean[..., None, :]) * weight[..., None]
    size = (centred.square().sum((-2, -1)) / count / 2).sqrt()  # root mean square distance over sqrt(2)
    x, y = (centred / size.clamp(min=COINCIDENT)[..., None, None]).unbind(-1)
    return mean, size, (x, y)


def _main_axis(half_difference: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Return the direction (cosine, sine) of the main axis of a 2x2 covariance; without atan2: onnxruntime has none."""
    radius = (half_difference.square() + covariance.square()).sqrt()
    flat = half_difference >= 0  # whichever of the two equal formulas does not cancel
    cosine = torch.where(flat, radius + half_difference, covariance)
    sine = torch.where(flat, covariance, radius - half_difference)
    length = (cosine.square() + sine.square()).sqrt()
    isotropic = length < 1e-18
    length = length.clamp(min=1e-18)
    return torch.where(isotropic, 1.0, cosine / length), torch.where(isotropic, 0.0, sine / length)


def _smallest_gap(major: Tensor, minor: Tensor, along: Tensor, across: Tensor) -> Tensor:
    """Return minor - lambda (at least 1e-30) for the smallest eigenvalue lambda of the normal matrix of `fit_affine`.

    along, across: squared cross covariance with the target's main and second axis.
    In g = minor - lambda the eigenvalue equation is g r(g) = across with r(g) = 2 - minor + g - along / (major - minor
    + g), what the main axis leaves unexplained of the source. Each step replaces r by its tangent and solves the
    quadratic, whose discriminant cannot be negative; g keeps its relative precision, unlike lambda.
    """
    spread = major - minor
    gap = minor  # lambda = 0: ordinary least squares
    for _ in range(STEPS):
        rest = (spread + gap).clamp(min=1e-30)
        slope = 1 + along / rest.square()
        start = 2 - minor + gap - along / rest - slope * gap  # the tangent at gap 0
        root = (start.square() + 4 * slope * across).sqrt()
        gap = torch.where(start > 0, 2 * across / (start + root).clamp(min=1e-30), (root - start) / (2 * slope))
        gap = gap.clamp(min=1e-30)
    return gap
