"""Collars, hoods, scarves, bags, and the seat of a seated person.

Exists for everything worn or used that is not fitted over trunk and limbs (garments.py).
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from posegan.data.synthetic import figure
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic import wardrobe as wd
from posegan.data.synthetic.body import SIDE, Shape
from posegan.data.synthetic.kinematics import Skeleton, unit
from posegan.data.synthetic.surfaces import Detail, Grid, lead


def collar_grid(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, detail: Detail) -> Grid:
    """A ring around the neck base whose cross-section makes it a collar, a hood that lies on the back, or a scarf."""
    columns, rows = detail.columns(24), detail.rows(9)
    stature = shape.stature[:, None, None]
    ring = sf.around(columns)[None, None]
    back = ((1 - ring.cos()) / 2) ** 1.5
    front = 1 - back
    kind = outfit.collar

    def by_kind(*values: float) -> Tensor:
        return torch.tensor(values)[kind][:, None, None]

    #                       none  shirt   hood   scarf  roll   stand
    tall = by_kind(0.001, 0.011, 0.015, 0.020, 0.018, 0.017) * (1 + by_kind(0, 0.3, 0.6, 0.25, 0, 0.2) * back)
    thick = by_kind(0.001, 0.0035, 0.012, 0.017, 0.004, 0.005) * (1 + by_kind(0, 0, 1.6, 0.15, 0, 0) * back)
    lift = (
        by_kind(0, 0.012, 0.004, 0.016, 0.020, 0.016)
        - by_kind(0, 0.010, 0.016, 0.012, 0.0, 0.004) * front
        - by_kind(0, 0, 0.010, 0, 0, 0) * back
    )
    outward = by_kind(0, 0.003, 0.008, 0.010, 0.001, 0.007) + by_kind(0, 0.0, 0.022, 0.0, 0, 0) * back
    around_neck = 0.040 * shape.stature * (1 - 0.10 * shape.female)
    size = torch.minimum(
        figure.trunk_size(shape, torch.tensor([[1.16]]))[..., 0],
        around_neck * torch.tensor([[1.15], [1.0], [1.10]]),
    )[..., None, None]
    tube = torch.linspace(-pi, pi, rows)[None, :, None]
    radial = (outward + thick * tube.cos()) * stature
    high = (lift + tall * tube.sin()) * stature
    centre = skeleton.neck + 0.038 * shape.stature[:, None] * skeleton.chest_frame[..., 1]
    across = (size[0] + radial) * ring.sin()
    depth = (torch.where(ring.cos() > 0, size[1], size[2]) + radial) * ring.cos()
    frame = lead(skeleton.chest_frame.transpose(-1, -2))[..., None, None]
    points = lead(centre)[..., None, None] + across * frame[:, :, 0] + depth * frame[:, :, 2] + high * frame[:, :, 1]
    # Rows run up the outside, so flip them to keep the normals outward.
    coords = torch.stack((ring.expand_as(high) * 0.06, (tube * 0.01 + 0.03).expand_as(high)))
    return Grid(sf.COLLAR, sf.COLLAR_SLOT, points.flip(2), coords.flip(2), kind > 0)


def _box(centre: Tensor, frame: Tensor, half: Tensor, power: float, detail: Detail) -> tuple[Tensor, Tensor]:
    """A superellipsoid grid (3, B, R, C) and its (2, 1, R, C) coordinates."""
    rows, columns = max(detail.rows(11), 9), max(detail.columns(18), 16)
    tilt = torch.linspace(pi / 2, -pi / 2, rows)[:, None]
    turn = sf.around(columns)
    wide, high = sf.powered(tilt.cos(), power), sf.powered(tilt.sin(), power)
    local = (wide * sf.powered(turn.sin(), power), high.expand(rows, columns + 1), wide * sf.powered(turn.cos(), power))
    scaled = torch.stack(local)[:, None] * lead(half)[..., None, None]
    points = lead(centre)[..., None, None] + sf.turn(frame, scaled)
    return points, torch.stack(((turn * 0.1).expand(rows, -1), (0.2 - tilt * 0.12).expand(-1, columns + 1)))[:, None]


def bag_grid(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, detail: Detail) -> Grid:
    """A backpack, a bag at the hip, or a bag that hangs from the fingers."""
    stature = shape.stature[:, None]
    item = torch.arange(stature.shape[0])
    sign = SIDE[outfit.bag_side][:, None]
    chest, pelvis = skeleton.chest_frame, skeleton.pelvis_frame
    kind = outfit.bag[:, None]
    chest_back = figure.trunk_size(shape, torch.tensor([[0.78]]))[2]
    hip_half = figure.trunk_size(shape, torch.tensor([[0.05]]))[0]
    ease = outfit.top_ease[:, None]
    back = skeleton.chest - chest[..., 2] * (chest_back + 0.030 * stature + ease) + 0.012 * stature * chest[..., 1]
    hip = (
        skeleton.pelvis + sign * pelvis[..., 0] * (hip_half + 0.030 * stature + ease) - 0.03 * stature * pelvis[..., 1]
    )
    hip = hip + 0.005 * stature * pelvis[..., 2]
    up = torch.tensor([0.0, 1.0, 0.0])
    wrist = skeleton.wrist[item, outfit.bag_side]
    fingers = wrist + 0.075 * stature * unit(wrist - skeleton.elbow[item, outfit.bag_side])
    # A bag hangs from the fingers of a low hand, or in the crook of a raised arm.
    crook = torch.lerp(skeleton.elbow[item, outfit.bag_side], wrist, 0.25)
    hook = torch.where(fingers[:, 1:2] < crook[:, 1:2], fingers, crook)
    hand = hook - 0.082 * stature * up
    centre = torch.where(kind == wd.BACKPACK, back, torch.where(kind == wd.SHOULDER_BAG, hip, hand))
    sizes = torch.tensor([[1e-3] * 3, [0.085, 0.125, 0.042], [0.028, 0.062, 0.082], [0.032, 0.070, 0.085]])
    forward = unit(pelvis[..., 2] * torch.tensor([1.0, 0.0, 1.0]))
    level = torch.stack((torch.linalg.cross(up.expand_as(forward), forward), up.expand_as(forward), forward), -1)
    frame = torch.where(kind[..., None] == wd.BACKPACK, chest, level)
    points, coords = _box(centre, frame, sizes[outfit.bag] * stature, 0.45, detail)
    return Grid(sf.BAG, sf.BAG_SLOT, points, coords, outfit.bag > 0)


def seat_grid(shape: Shape, skeleton: Skeleton, detail: Detail) -> Grid:
    """The block that seated people sit on; it is no part of the person."""
    height = skeleton.seat_height
    centre = torch.stack((skeleton.pelvis[:, 0], height / 2, skeleton.pelvis[:, 2] + 0.02 * shape.stature), -1)
    half = torch.stack((0.135 * shape.stature, (height / 2).clamp(min=0.01), 0.115 * shape.stature), -1)
    frame = torch.eye(3).expand(height.shape[0], 3, 3)
    points, coords = _box(centre, frame, half, 0.28, detail)
    return Grid(sf.SEAT, sf.SEAT_SLOT, points, coords, height > 0)
