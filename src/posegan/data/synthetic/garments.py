"""Garment surfaces: tops, skirts, sleeves and trousers, fitted over the body.

Exists to give clothes their own shape (ease, hems, open fronts, folds) instead of painting them on the skin. It
chooses nothing (wardrobe.py) and colours nothing (texture.py).
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from posegan.data.synthetic import accessories, figure
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic import wardrobe as wd
from posegan.data.synthetic.body import Shape
from posegan.data.synthetic.draws import Draws
from posegan.data.synthetic.figure import Limb
from posegan.data.synthetic.kinematics import Skeleton, unit
from posegan.data.synthetic.surfaces import Grid

# Nominal scales of the body coordinates, the same for every body, so that a pattern has the same place on everyone.
_COLUMNS = 36  # around the top and the skirt, which share their seam ring
TRUNK_RADIUS, TRUNK_LENGTH, ARM_LENGTH, LEG_LENGTH = 0.16, 0.50, 0.27, 0.42


def _smooth(value: Tensor, low: float, high: float) -> Tensor:
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


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

    def __init__(self, draw: Draws, crosswise: float) -> None:
        self._waves = [
            (
                draw.uniform(0, 2 * pi)[:, None, None],
                draw.uniform(-1.2, 1.2)[:, None, None],
                crosswise * (0.7 + 0.5 * wave),
            )
            for wave in range(3)
        ]

    def __call__(self, angle: Tensor, along: Tensor) -> Tensor:
        """Heights (B, R, C) at angles in radians and places along the part in metres."""
        total = torch.zeros(())
        for wave, (phase, tilt, cycles) in enumerate(self._waves):
            warp = 0.9 * torch.sin(along * (9.0 + 5 * wave) + phase * 2 + angle)
            total = total + torch.sin(
                angle * (1.0 + wave) + along * cycles * (1 + 0.4 * tilt) + tilt * torch.sin(angle) + warp + phase
            )
        return total / 3


def _top_ease(outfit: wd.Outfit, height: Tensor, angle: Tensor, relief: _Relief) -> Tensor:
    """Distance (B, R, C) of the top from the trunk in metres; the skirt grid continues it without a step."""
    along = (1 - height) * TRUNK_LENGTH
    puffer = (outfit.top == wd.PUFFER)[:, None, None]
    worn = outfit.top_ease[:, None, None]
    ease = worn * (0.35 + 0.65 * _smooth(1.17 - height, 0.0, 0.22)) + 0.002
    # An untucked top has to clear the cloth of the trousers on the hips; a tucked one goes under it.
    hips = 1 - _smooth(height, 0.30, 0.55)
    cover = torch.maximum(ease, waist_ease(outfit)[:, None, None] + 0.006)
    tucked = (outfit.hem > 0.25)[:, None, None] & (outfit.hem < 0.32)[:, None, None]
    ease = torch.lerp(ease, torch.where(tucked, torch.full_like(ease, 0.002), cover), hips)
    ease = ease + 0.010 * puffer * torch.sin(along * 2 * pi / 0.075).abs()
    amount = (0.003 + 0.50 * worn.clamp(max=0.02) * (0.4 + outfit.loose[:, None, None])) * ~puffer
    return ease + relief(angle, along) * amount * _smooth(0.95 - height, 0.0, 0.3) * (1 - 0.6 * hips)


def waist_ease(outfit: wd.Outfit) -> Tensor:
    """Cloth (B,) in metres that trousers lay on the hips of the trunk."""
    return 0.003 + 0.6 * outfit.leg_ease


def trunk_surface(
    shape: Shape, skeleton: Skeleton, height: Tensor, angle: Tensor, ease: Tensor, loose: Tensor
) -> Tensor:
    """Points (B, R, C, 3) around the trunk at heights and angles (B, R, C), `ease` metres off the body
    (broadcastable).
    """
    batch, rows, columns = height.shape
    flat = height.reshape(batch, -1)
    centre, lateral, frontal = figure.trunk_sections(skeleton, shape, flat)
    size = figure.trunk_size(shape, flat)
    hang = torch.stack([figure.trunk_size(shape, torch.full_like(flat[:, :1], at)) for at in (0.82, 0.74)]).amax(0)
    below = (1 - _smooth(flat, 0.45, 0.78)).unsqueeze(-1) * loose[:, None, None]
    size = torch.lerp(size, torch.maximum(size, hang * torch.tensor([0.97, 0.97, 0.95])), below)
    grown = size + ease.expand(batch, rows, columns).reshape(batch, -1, 1)
    sine, cosine = angle.reshape(batch, -1).sin(), angle.reshape(batch, -1).cos()
    across = grown[..., 0] * sine.sign() * sine.abs().clamp(min=1e-6) ** 0.86
    depth = torch.where(cosine > 0, grown[..., 1], grown[..., 2]) * cosine.sign() * cosine.abs().clamp(min=1e-6) ** 0.86
    points = centre + across.unsqueeze(-1) * lateral + depth.unsqueeze(-1) * frontal
    return points.reshape(batch, rows, columns, 3)


def garment_grids(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, seed: Tensor, pose: Tensor) -> list[Grid]:
    """All garment and accessory grids; folds depend on the identity `seed` and the `pose` seed."""
    folds = Draws(seed * 31 + pose, "folds")
    relief = _Relief(folds, 14.0)
    grids = [_top(shape, skeleton, outfit, relief), accessories.collar_grid(shape, skeleton, outfit)]
    legs = [figure.leg_limb(shape, skeleton, side) for side in range(2)]
    grids.append(_skirt(shape, skeleton, outfit, legs, relief))
    for side in range(2):
        grids.append(_sleeve(shape, figure.arm_limb(shape, skeleton, side), outfit, side, folds))
        grids.append(_trouser(shape, legs[side], outfit, side, folds))
    return [*grids, accessories.bag_grid(shape, skeleton, outfit), accessories.seat_grid(shape, skeleton)]


def _top(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, relief: _Relief) -> Grid:
    rows = 24
    along = torch.linspace(0, 1, rows)
    angle = _front_seam(_COLUMNS, outfit.gap[:, None] * (0.55 + 0.6 * along))
    front = angle.cos().clamp(min=0) ** 2.2
    edge = 1.165 - 0.02 * angle.cos().clamp(max=0).abs() - outfit.neckline[:, None, None] * front
    height = edge + (outfit.hem[:, None, None] - edge) * along[None, :, None]
    points = trunk_surface(shape, skeleton, height, angle, _top_ease(outfit, height, angle, relief), outfit.loose)
    coords = torch.stack((angle * TRUNK_RADIUS, (1 - height) * TRUNK_LENGTH), -1)
    return Grid(sf.TOP, sf.TOP_SLOT, points, coords, torch.ones_like(outfit.glasses), inside=4)


def _skirt(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, legs: list[Limb], relief: _Relief) -> Grid:
    """The part of a dress, coat, long shirt or skirt below the trunk: rings that hull both legs."""
    upper, lower = 6, 14
    of_top = outfit.skirt_of_top
    start = torch.where(of_top, outfit.hem, torch.full_like(outfit.hem, 0.335))
    height = sf.rows_between(start, torch.full_like(start, -0.12), upper)
    station = sf.rows_between(torch.full_like(start, 1.06), outfit.skirt.clamp(min=1.07), lower)
    gap = outfit.gap[:, None] * (1.15 + 0.25 * torch.linspace(0, 1, upper + lower)) * of_top[:, None]
    angle = _front_seam(_COLUMNS, gap)
    level = height.unsqueeze(-1).expand(-1, -1, angle.shape[-1])
    ease = torch.where(of_top[:, None, None], _top_ease(outfit, level, angle[:, :upper], relief), torch.tensor(0.008))
    hips = trunk_surface(shape, skeleton, level, angle[:, :upper], ease, outfit.loose * of_top)
    sections = [limb.sections(station, 0.16, 0) for limb in legs]
    centres = torch.stack([section[0] for section in sections], 2)
    lateral = skeleton.pelvis_frame[:, None, :, 0].expand(-1, lower, -1)
    down = unit(sf.tangents(sections[0][0]) + sf.tangents(sections[1][0]))
    frontal = unit(torch.linalg.cross(down, lateral))
    lateral = unit(torch.linalg.cross(frontal, down))
    ring = angle[:, upper:]
    direction = ring.sin().unsqueeze(-1) * lateral.unsqueeze(2) + ring.cos().unsqueeze(-1) * frontal.unsqueeze(2)
    lever = ((centres - centres.mean(2, keepdim=True)).unsqueeze(2) * direction.unsqueeze(3)).sum(-1)
    share = torch.softmax(lever / 0.035, -1)
    hull = (share.unsqueeze(-1) * centres.unsqueeze(2)).sum(3)
    reach = _skirt_reach(shape, outfit, station, ring, down, relief) + ease[:, -1:]
    skirt = hull + reach.unsqueeze(-1) * direction
    blend = _smooth(station, 1.0, 1.3)[:, :, None, None]
    carried = hips[:, -1:] + (skirt.mean(2, keepdim=True) - hips[:, -1:].mean(2, keepdim=True))
    points = torch.cat((hips, torch.lerp(carried, skirt, blend)), 1)
    along = torch.cat(((1 - height) * TRUNK_LENGTH, 0.56 + (station - 1.0) * LEG_LENGTH), 1)
    coords = torch.stack((angle * TRUNK_RADIUS, along.unsqueeze(-1).expand_as(angle)), -1)
    slot = torch.where(of_top, sf.TOP_SLOT, sf.BOTTOM_SLOT)
    return Grid(sf.SKIRT, slot, points, coords, outfit.skirt > 0, inside=8)


def _skirt_reach(
    shape: Shape, outfit: wd.Outfit, station: Tensor, ring: Tensor, down: Tensor, relief: _Relief
) -> Tensor:
    """Distance (B, R, C) of the cloth from the line between the legs, without ease."""
    size = figure.leg_size(shape, station)
    progress = (station - 1.0).unsqueeze(-1)
    reach = torch.where(ring.cos() > 0, size[..., 1:2], size[..., 2:3]).lerp(size[..., :1], ring.sin().square())
    # Over the lap of a seated person the cloth lies on the thighs instead of standing off.
    upright = down[..., 1:2].neg().clamp(0, 1) ** 2
    # Cloth hangs from the hips: it does not follow the calves in.
    thigh = figure.leg_size(shape, torch.full_like(station, 1.3)).mean(-1, keepdim=True)
    reach = torch.maximum(reach, thigh * (1 - 0.22 * progress).clamp(min=0.7) * upright)
    waves = torch.sin(ring * 9 + 0.8 * torch.sin(ring * 2)) * 0.016 + 0.010 * relief(ring, progress * 0.4)
    flare = outfit.flare[:, None, None] * shape.stature[:, None, None]
    pleats = outfit.pleats[:, None, None] * (0.4 + 4 * outfit.flare[:, None, None]) * waves
    return reach + upright * progress * (0.5 * flare + pleats)


def _sleeve(shape: Shape, limb: Limb, outfit: wd.Outfit, side: int, folds: Draws) -> Grid:
    batch = shape.stature.shape[0]
    inner = torch.linspace(0.12, 0.94, 6).expand(batch, -1)
    station = torch.cat((inner, sf.rows_between(torch.ones(batch), outfit.sleeve.clamp(min=1.02), 17)), 1)
    centre, lateral, frontal = limb.sections(station, 0.16, 6)
    angle = sf.around(16)
    size = figure.arm_size(shape, station)
    end = ((station - 1) / (outfit.sleeve.clamp(min=1.02)[:, None] - 1)).clamp(0, 1)
    short = (outfit.sleeve < 2.2)[:, None]
    # Long sleeves narrow to the cuff; short ones stand off the arm.
    ease = (
        outfit.sleeve_ease[:, None]
        * torch.where(short, 0.7 + 0.9 * end, 1.25 - 0.75 * end**3)
        * (0.25 + 0.75 * _smooth(station, 0.7, 1.5))
        + 0.001
    )
    quilt = ((outfit.top == wd.PUFFER).float() * 0.010)[:, None] * torch.sin(
        station * ARM_LENGTH * 2 * pi / 0.075
    ).abs()
    size = size + (ease + quilt * (station > 0.6)).unsqueeze(-1)
    points = sf.sweep(centre, lateral, frontal, size, angle)
    along = station.unsqueeze(-1) * ARM_LENGTH
    amount = (0.0025 + 0.42 * outfit.sleeve_ease)[:, None, None] * (
        0.55 + _bump(station, 2.0, 0.45) + 0.7 * _bump(station, 2.8, 0.25)
    ).unsqueeze(-1)
    relief = _Relief(folds, 30.0)(angle, along) * amount * _smooth(station, 0.7, 1.2).unsqueeze(-1)
    points = sf.wrinkle(points, sf.grid_normals(points), relief)
    return Grid(
        sf.SLEEVE_R + side,
        sf.SLEEVE_SLOT,
        points,
        sf.part_coords(angle, 0.045, station * ARM_LENGTH),
        outfit.sleeve > 0,
        inside=4,
    )


def _bump(value: Tensor, centre: float, width: float) -> Tensor:
    return torch.exp(-(((value - centre) / width) ** 2))


def _trouser(shape: Shape, limb: Limb, outfit: wd.Outfit, side: int, folds: Draws) -> Grid:
    batch = shape.stature.shape[0]
    inner = torch.linspace(0.25, 0.93, 5).expand(batch, -1)
    hem = outfit.trouser.clamp(min=1.02)
    station = torch.cat((inner, sf.rows_between(torch.ones(batch), hem, 22)), 1)
    centre, lateral, frontal = limb.sections(station, 0.14, 5)
    angle = sf.around(18)
    size = figure.leg_size(shape, station)
    ease = outfit.leg_ease[:, None] * _smooth(station, 0.2, 1.3)
    thigh = figure.leg_size(shape, torch.full_like(station, 1.3))
    fall = ((station - 1.3) / (hem[:, None] - 1.3).clamp(min=0.2)).clamp(0, 1).unsqueeze(-1)
    straight = torch.lerp(
        thigh + outfit.leg_ease[:, None, None], outfit.leg_hem[:, None, None] * torch.tensor([0.92, 0.95, 1.05]), fall
    )
    short = (hem < 2.3)[:, None, None]
    straight = torch.where(short, thigh + outfit.leg_ease[:, None, None] * (1 + 0.5 * fall), straight)
    slim = (outfit.bottom == wd.SLIM) | (outfit.bottom == wd.LEGGINGS)
    hang = torch.where(slim, 0.25, 0.85)[:, None, None] * _smooth(station, 1.2, 1.6).unsqueeze(-1)
    snug = size + ease.unsqueeze(-1)
    size = torch.maximum(size + 0.004, torch.lerp(snug, torch.maximum(straight, snug * 0.9), hang))
    points = sf.sweep(centre, lateral, frontal, size, angle)
    along = station.unsqueeze(-1) * LEG_LENGTH
    stack = 1.0 * _bump(station, 2.9, 0.16) * (hem > 2.85)[:, None]
    amount = (0.0016 + 0.34 * outfit.leg_ease)[:, None, None] * (
        0.45 + 0.9 * _bump(station, 2.0, 0.22) + 0.5 * _bump(station, 1.05, 0.2) + stack
    ).unsqueeze(-1)
    relief = _Relief(folds, 26.0)(angle, along) * amount * _smooth(station, 0.7, 1.1).unsqueeze(-1)
    points = sf.wrinkle(points, sf.grid_normals(points), relief)
    return Grid(
        sf.TROUSER_R + side,
        sf.BOTTOM_SLOT,
        points,
        sf.part_coords(angle, 0.07, station * LEG_LENGTH),
        outfit.trouser > 0,
        inside=4,
    )
