"""Garment surfaces: tops, skirts, sleeves and trousers, fitted over the body.

Exists to give clothes their own shape (ease, hems, open fronts, folds) instead of painting them on the skin. It
chooses nothing (wardrobe.py) and colours nothing (texture.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import torch
from torch import Tensor

from posegan.data.synthetic import accessories, figure
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic import wardrobe as wd
from posegan.data.synthetic.body import Shape
from posegan.data.synthetic.draws import Draws
from posegan.data.synthetic.figure import Limb
from posegan.data.synthetic.kinematics import Skeleton
from posegan.data.synthetic.surfaces import Detail, Grid, lead, unit
from posegan.layers.smoothstep import smoothstep

# Nominal scales of the body coordinates, the same for every body, so that a pattern has the same place on everyone.
TRUNK_RADIUS, TRUNK_LENGTH, ARM_LENGTH, LEG_LENGTH = 0.16, 0.50, 0.27, 0.42


def _front_seam(columns: int, gap: Tensor) -> Tensor:
    """Angles (B, R, columns + 2) from one edge of the open front (`gap` (B, R) each side) around the back.

    The back column is doubled, with angle pi and -pi, so that body coordinates never jump inside a face.
    """
    half = torch.linspace(0, 1, columns // 2 + 1)
    left = gap.unsqueeze(-1) + (pi - gap.unsqueeze(-1)) * half
    return torch.cat((left, -left.flip(-1)), -1)


class _Relief:
    """Cloth relief in [-1, 1]: a few warped waves in body coordinates, drawn once so that neighbouring grids can
    share it.
    """

    def __init__(self, draws: Sequence[Draws], crosswise: float) -> None:
        self._waves = [
            (
                torch.cat([draw.uniform(0, 2 * pi) for draw in draws])[:, None, None],
                torch.cat([draw.uniform(-1.2, 1.2) for draw in draws])[:, None, None],
                crosswise * (0.7 + 0.5 * wave),
            )
            for wave in range(3)
        ]

    def __call__(self, angle: Tensor, along: Tensor) -> Tensor:
        """Heights (B, R, C) at angles in radians and places along the part in metres."""
        sine = torch.sin(angle)
        total = torch.zeros(())
        for wave, (phase, tilt, cycles) in enumerate(self._waves):
            warp = torch.sin(along * (9.0 + 5 * wave) + phase * 2 + angle)
            bent = angle * (1.0 + wave) + (along * (cycles * (1 + 0.4 * tilt)) + phase)
            total = total + torch.sin(bent.addcmul(tilt, sine).add_(warp, alpha=0.9))
        return total / 3


def _top_ease(outfit: wd.Outfit, height: Tensor, angle: Tensor, relief: _Relief) -> Tensor:
    """Distance (B, R, C) of the top from the trunk in metres; the skirt grid continues it without a step."""
    along = (1 - height) * TRUNK_LENGTH
    puffer = (outfit.top == wd.PUFFER)[:, None, None]
    worn = outfit.top_ease[:, None, None]
    ease = worn * (0.35 + 0.65 * smoothstep(1.17 - height, 0.0, 0.22)) + 0.002
    # An untucked top has to clear the cloth of the trousers on the hips; a tucked one goes under it.
    hips = 1 - smoothstep(height, 0.30, 0.55)
    cover = torch.maximum(ease, waist_ease(outfit)[:, None, None] + 0.006)
    tucked = (outfit.hem > 0.25)[:, None, None] & (outfit.hem < 0.32)[:, None, None]
    ease = torch.lerp(ease, torch.where(tucked, torch.full_like(ease, 0.002), cover), hips)
    ease = ease + 0.010 * puffer * torch.sin(along * 2 * pi / 0.075).abs()
    amount = (0.003 + 0.50 * worn.clamp(max=0.02) * (0.4 + outfit.loose[:, None, None])) * ~puffer
    return ease + relief(angle, along) * amount * smoothstep(0.95 - height, 0.0, 0.3) * (1 - 0.6 * hips)


def waist_ease(outfit: wd.Outfit) -> Tensor:
    """Cloth (B,) in metres that trousers lay on the hips of the trunk."""
    return 0.003 + 0.6 * outfit.leg_ease


def trunk_surface(
    shape: Shape, skeleton: Skeleton, height: Tensor, angle: Tensor, ease: Tensor, loose: Tensor
) -> Tensor:
    """Points (3, B, R, C) around the trunk at heights and angles (B, R, C), `ease` metres off the body
    (broadcastable).
    """
    grid = height.shape
    flat = height.flatten(1)
    centre, lateral, frontal = (axis.reshape(3, *grid) for axis in figure.trunk_sections(skeleton, shape, flat))
    size = figure.trunk_size(shape, flat).reshape(3, *grid)
    hang = figure.trunk_size(shape, torch.tensor([[0.82, 0.74]])).amax(-1)
    hang = hang * torch.tensor([[0.97], [0.97], [0.95]])
    below = (1 - smoothstep(height, 0.45, 0.78)) * loose[:, None, None]
    width, front, back = torch.lerp(size, torch.maximum(size, hang[..., None, None]), below) + ease
    sine, cosine = sf.powered(angle.sin(), 0.86), sf.powered(angle.cos(), 0.86)
    depth = front * cosine.clamp(min=0) + back * cosine.clamp(max=0)
    return centre.addcmul(lateral, width * sine).addcmul_(frontal, depth)


def garment_grids(
    shape: Shape,
    skeleton: Skeleton,
    arms: Limb,
    legs: Limb,
    outfit: wd.Outfit,
    seed: Tensor,
    pose: Tensor,
    detail: Detail,
) -> list[Grid]:
    """All garment and accessory grids; folds depend on the identity `seed` and the `pose` seed."""
    key = seed * 31 + pose
    relief = _Relief([Draws(key, "folds")], 14.0)
    columns = detail.columns(36)  # around the top and the skirt, which share their seam ring
    return [
        _top(shape, skeleton, outfit, relief, columns, detail),
        _skirt(shape, skeleton, outfit, legs, relief, columns, detail),
        *_sleeves(figure.both_shapes(shape), arms, outfit, key, detail),
        *_trousers(figure.both_shapes(shape), legs, outfit, key, detail),
        accessories.collar_grid(shape, skeleton, outfit, detail),
        accessories.bag_grid(shape, skeleton, outfit, detail),
        accessories.seat_grid(shape, skeleton, detail),
    ]


def _top(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, relief: _Relief, columns: int, detail: Detail) -> Grid:
    along = torch.linspace(0, 1, detail.rows(24))
    angle = _front_seam(columns, outfit.gap[:, None] * (0.55 + 0.6 * along))
    cosine = angle.cos()
    front = cosine.clamp(min=0) ** 2.2
    edge = 1.165 + 0.02 * cosine.clamp(max=0) - outfit.neckline[:, None, None] * front
    height = edge + (outfit.hem[:, None, None] - edge) * along[None, :, None]
    points = trunk_surface(shape, skeleton, height, angle, _top_ease(outfit, height, angle, relief), outfit.loose)
    coords = torch.stack((angle * TRUNK_RADIUS, (1 - height) * TRUNK_LENGTH))
    inside = detail.rows(4)
    return Grid(sf.TOP, sf.TOP_SLOT, points, coords, torch.ones_like(outfit.glasses), inside, doubled=True)


def _skirt(
    shape: Shape,
    skeleton: Skeleton,
    outfit: wd.Outfit,
    legs: Limb,
    relief: _Relief,
    columns: int,
    detail: Detail,
) -> Grid:
    """The part of a dress, coat, long shirt or skirt below the trunk: rings that hull both legs."""
    upper, lower = detail.rows(6), detail.rows(14)
    of_top = outfit.skirt_of_top
    start = torch.where(of_top, outfit.hem, torch.full_like(outfit.hem, 0.335))
    height = sf.rows_between(start, torch.full_like(start, -0.12), upper)
    tail = outfit.skirt.clamp(min=1.07)
    station = sf.rows_between(torch.lerp(torch.full_like(tail, 1.06), tail, 0.12), tail, lower)
    gap = outfit.gap[:, None] * (1.15 + 0.25 * torch.linspace(0, 1, upper + lower)) * of_top[:, None]
    angle = _front_seam(columns, gap)
    level = height.unsqueeze(-1).expand(-1, -1, angle.shape[-1])
    ease = torch.where(of_top[:, None, None], _top_ease(outfit, level, angle[:, :upper], relief), torch.tensor(0.008))
    hips = trunk_surface(shape, skeleton, level, angle[:, :upper], ease, outfit.loose * of_top)
    centre = sf.path_at(legs.joints, figure.both(station), 0.16)
    right, left = centre.unflatten(1, (2, -1)).unbind(1)
    down = unit(sf.tangents(centre).unflatten(1, (2, -1)).sum(1))
    frontal = unit(sf.cross(down, lead(skeleton.pelvis_frame[..., 0])[..., None]))
    lateral = unit(sf.cross(frontal, down))
    ring = angle[:, upper:]
    direction = ring.sin() * lateral[..., None] + ring.cos() * frontal[..., None]
    # A soft maximum over the legs: half the difference of their levers in units of softness.
    half = (left - right)[..., None] / 2
    share = torch.tanh(sf.dot(half, direction) / 0.035)
    hull = ((left + right) / 2)[..., None] + half * share
    reach = _skirt_reach(shape, outfit, station, ring, down[1], relief) + ease[:, -1:]
    skirt = hull.addcmul(direction, reach)
    blend = smoothstep(station, 1.0, 1.3).unsqueeze(-1)
    last = hips[:, :, -1:]
    carried = last + (skirt.mean(3, keepdim=True) - last.mean(3, keepdim=True))
    points = torch.cat((hips, torch.lerp(carried, skirt, blend)), 2)
    along = torch.cat(((1 - height) * TRUNK_LENGTH, 0.56 + (station - 1.0) * LEG_LENGTH), 1)
    coords = torch.stack((angle * TRUNK_RADIUS, along.unsqueeze(-1).expand_as(angle)))
    slot = torch.where(of_top, sf.TOP_SLOT, sf.BOTTOM_SLOT)
    return Grid(sf.SKIRT, slot, points, coords, outfit.skirt > 0, detail.rows(8), doubled=True)


def _skirt_reach(
    shape: Shape, outfit: wd.Outfit, station: Tensor, ring: Tensor, down: Tensor, relief: _Relief
) -> Tensor:
    """Distance (B, R, C) of the cloth from the line between the legs, without ease; `down` (B, R) is the height of its
    unit tangent.
    """
    width, front, back = figure.leg_size(shape, station).unsqueeze(-1)
    progress = (station - 1.0).unsqueeze(-1)
    reach = torch.where(ring.cos() > 0, front, back).lerp(width, ring.sin().square())
    # Over the lap of a seated person the cloth lies on the thighs instead of standing off.
    upright = down.unsqueeze(-1).neg().clamp(0, 1) ** 2
    # Cloth hangs from the hips: it does not follow the calves in.
    thigh = figure.leg_size(shape, torch.full_like(station[:, :1], 1.3)).mean(0).unsqueeze(-1)
    reach = torch.maximum(reach, thigh * (1 - 0.22 * progress).clamp(min=0.7) * upright)
    waves = torch.sin(ring * 9 + 0.8 * torch.sin(ring * 2)) * 0.016 + 0.010 * relief(ring, progress * 0.4)
    flare = outfit.flare[:, None, None] * shape.stature[:, None, None]
    pleats = outfit.pleats[:, None, None] * (0.4 + 4 * outfit.flare[:, None, None]) * waves
    return reach + upright * progress * (0.5 * flare + pleats)


def _limb_relief(key: Tensor, name: str, crosswise: float, columns: int, along: Tensor, amount: Tensor) -> Tensor:
    """Folds (2 * B, R, columns + 1) in metres of a pair of sleeves or trousers, `amount` (2 * B, R) metres high."""
    relief = _Relief([Draws(key, f"{name} {side}") for side in ("right", "left")], crosswise)
    return relief(sf.around(columns), along.unsqueeze(-1)) * amount.unsqueeze(-1)


def _sleeves(shape: Shape, limb: Limb, outfit: wd.Outfit, key: Tensor, detail: Detail) -> list[Grid]:
    """Both sleeves; `shape` and `limb` (2 * B)."""
    cuff = figure.both(outfit.sleeve).clamp(min=1.02)
    inner = torch.linspace(0.12, 0.94, detail.rows(6)).expand(len(cuff), -1)
    station = torch.cat((inner, sf.rows_between(torch.ones_like(cuff), cuff, detail.rows(17))), 1)
    end = ((station - 1) / (cuff[:, None] - 1)).clamp(0, 1)
    # Long sleeves narrow to the cuff; short ones stand off the arm.
    fit = torch.where((cuff < 2.2)[:, None], 0.7 + 0.9 * end, 1.25 - 0.75 * end**3)
    worn = figure.both(outfit.sleeve_ease)[:, None]
    ease = worn * fit * (0.25 + 0.75 * smoothstep(station, 0.7, 1.5)) + 0.001
    along = station * ARM_LENGTH
    puffer = figure.both(outfit.top == wd.PUFFER)[:, None]
    ease = ease + 0.010 * puffer * torch.sin(along * 2 * pi / 0.075).abs() * (station > 0.6)
    folds = 0.55 + _bump(station, 2.0, 0.45) + 0.7 * _bump(station, 2.8, 0.25)
    amount = (0.0025 + 0.42 * worn) * folds * smoothstep(station, 0.7, 1.2)
    columns = detail.columns(16)
    size = (figure.arm_size(shape, station) + ease).unsqueeze(-1)
    size = size + _limb_relief(key, "sleeve", 30.0, columns, along, amount)
    points = sf.sweep(*limb.sections(station, 0.16, inner.shape[1]), size, columns)
    coords = sf.part_coords(columns, 0.045, along)
    parts, inside = (sf.SLEEVE_R, sf.SLEEVE_L), detail.rows(4)
    return figure.pair(parts, sf.SLEEVE_SLOT, points, coords, outfit.sleeve > 0, inside)


def _bump(value: Tensor, centre: float, width: float) -> Tensor:
    return torch.exp(-(((value - centre) / width) ** 2))


def _trousers(shape: Shape, limb: Limb, outfit: wd.Outfit, key: Tensor, detail: Detail) -> list[Grid]:
    """Both legs of the trousers; `shape` and `limb` (2 * B)."""
    hem = figure.both(outfit.trouser).clamp(min=1.02)
    inner = torch.linspace(0.25, 0.93, detail.rows(5)).expand(len(hem), -1)
    station = torch.cat((inner, sf.rows_between(torch.ones_like(hem), hem, detail.rows(22))), 1)
    worn = figure.both(outfit.leg_ease)[:, None]
    size = figure.leg_size(shape, station)
    thigh = figure.leg_size(shape, torch.full_like(hem, 1.3)[:, None]) + worn
    fall = ((station - 1.3) / (hem[:, None] - 1.3).clamp(min=0.2)).clamp(0, 1)
    opening = figure.both(outfit.leg_hem)[:, None] * torch.tensor([0.92, 0.95, 1.05])[:, None, None]
    straight = torch.where((hem < 2.3)[:, None], thigh + 0.5 * worn * fall, torch.lerp(thigh, opening, fall))
    slim = (outfit.bottom == wd.SLIM) | (outfit.bottom == wd.LEGGINGS)
    hang = torch.where(figure.both(slim), 0.25, 0.85)[:, None] * smoothstep(station, 1.2, 1.6)
    snug = size + worn * smoothstep(station, 0.2, 1.3)
    size = torch.maximum(size + 0.004, torch.lerp(snug, torch.maximum(straight, snug * 0.9), hang))
    along = station * LEG_LENGTH
    stack = _bump(station, 2.9, 0.16) * (hem > 2.85)[:, None]
    folds = 0.45 + 0.9 * _bump(station, 2.0, 0.22) + 0.5 * _bump(station, 1.05, 0.2) + stack
    amount = (0.0016 + 0.34 * worn) * folds * smoothstep(station, 0.7, 1.1)
    columns = detail.columns(18)
    size = size.unsqueeze(-1) + _limb_relief(key, "trousers", 26.0, columns, along, amount)
    points = sf.sweep(*limb.sections(station, 0.14, inner.shape[1]), size, columns)
    coords = sf.part_coords(columns, 0.07, along)
    parts, inside = (sf.TROUSER_R, sf.TROUSER_L), detail.rows(4)
    return figure.pair(parts, sf.BOTTOM_SLOT, points, coords, outfit.trouser > 0, inside)
