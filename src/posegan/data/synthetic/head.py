"""The head: skull with face relief, hair, tails and hats.

Exists because a head is read at a glance and deserves its own shapes. The painted face features (eyes, brows, mouth)
lie in face.py.

Head units: parts of the head height, origin below the ears at the level of the chin, x to the left, y up, z to the
front.
"""

from __future__ import annotations

from math import pi, radians

import torch
from torch import Tensor

from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic import wardrobe as wd
from posegan.data.synthetic.body import Shape
from posegan.data.synthetic.draws import Draws
from posegan.data.synthetic.kinematics import Skeleton, turn, unit
from posegan.data.synthetic.surfaces import Detail, Grid, Profile, lead

# Height above the chin; half-width, extent to the front and to the back of the ear axis.
_SKULL = Profile([
    (-0.03, 0.02, 0.30, -0.20), (0.00, 0.115, 0.365, -0.06), (0.05, 0.165, 0.400, 0.00), (0.12, 0.215, 0.408, 0.08),
    (0.22, 0.262, 0.402, 0.20),
    (0.33, 0.292, 0.398, 0.34), (0.45, 0.318, 0.390, 0.44), (0.56, 0.333, 0.400, 0.475), (0.66, 0.340, 0.405, 0.485),
    (0.76, 0.333, 0.385, 0.470),
    (0.86, 0.295, 0.325, 0.410), (0.93, 0.230, 0.250, 0.320), (0.98, 0.125, 0.135, 0.180), (1.00, 0.0, 0.0, 0.0),
])  # fmt: skip
# Hairline height against the angle from the front in degrees: short cut, long hair.
_HAIRLINE = Profile([
    (0, 0.835, 0.835), (25, 0.83, 0.82), (42, 0.79, 0.74), (55, 0.70, 0.60), (66, 0.60, 0.42), (76, 0.47, 0.40),
    (86, 0.54, 0.40),
    (100, 0.56, 0.40), (112, 0.40, 0.40), (135, 0.24, 0.40), (180, 0.17, 0.40),
])  # fmt: skip


def _skull_point(y: Tensor, angle: Tensor, grow: Tensor | float) -> Tensor:
    """Points (3, B, R, C) in head units at heights and angles (B, R, C), `grow` head units off the skull."""
    width, front, back = _SKULL(y) + grow
    # The offset points up near the crown, where the rings shrink to a point.
    lift = grow * ((y - 0.62) / 0.38).clamp(0, 1) ** 1.5
    sine, cosine = angle.sin(), angle.cos()
    middle, half = (front - back) / 2, (front + back) / 2
    jaw = 1 - 0.10 * ((0.35 - y) / 0.35).clamp(0, 1) * cosine.clamp(min=0)
    behind = torch.where(back > 0, back * cosine, middle + half * cosine)
    return torch.stack((width * sine * jaw, (y + lift).expand_as(jaw), torch.where(cosine > 0, front * cosine, behind)))


def head_grids(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, seed: Tensor, detail: Detail) -> list[Grid]:
    """Skull, hair, tail and hat."""
    return [
        _skull(shape, skeleton, seed, detail),
        _hair(shape, skeleton, outfit, seed, detail),
        _tail(shape, skeleton, outfit, detail),
        _hat(shape, skeleton, outfit, detail),
    ]


def _place(local: Tensor, shape: Shape, skeleton: Skeleton) -> Tensor:
    return lead(skeleton.head)[..., None, None] + sf.turn(skeleton.head_frame * shape.head[:, None, None], local)


def _bell(value: Tensor, centre: float, width: float) -> Tensor:
    return torch.exp(-(((value - centre) / width) ** 2))


def _skull(shape: Shape, skeleton: Skeleton, seed: Tensor, detail: Detail) -> Grid:
    draw = Draws(seed, "face")
    crown, face = torch.linspace(1.0, 0.62, detail.rows(9)), torch.linspace(0.58, 0.0, detail.rows(18))
    angle = sf.around(detail.columns(40), 0.45)[None, None]
    y = torch.cat((crown, face, torch.tensor([-0.03])))[None, :, None]
    wide = (1 + draw.bell(0.03) + 0.02 * shape.weight - 0.03 * shape.female)[:, None, None]
    # Only the width and the length of the nose differ between people.
    plain = _skull_point(y, angle, 0.0)
    x, z = plain[0] * wide, plain[2]
    front = angle.cos().clamp(min=0) ** 2
    length = (0.105 + draw.bell(0.012) - 0.015 * shape.female - 0.03 * shape.child)[:, None, None]
    ridge = ((0.53 - y) / 0.175).clamp(0, 1) * ((y - 0.305) / 0.05).clamp(0, 1)
    slim = 0.035 + 0.045 * ((0.55 - y) / 0.2).clamp(0, 1)
    nose = length * ridge * torch.exp(-((x / slim) ** 2)) * front
    sockets = -0.030 * _bell(y, 0.51, 0.055) * _bell(x.abs(), 0.15, 0.075) * front
    brow = 0.016 * _bell(y, 0.60, 0.035) * front * _bell(x.abs(), 0.13, 0.12)
    lips = 0.016 * _bell(y, 0.225, 0.035) * _bell(x, 0.0, 0.09) * front
    chin = 0.018 * _bell(y, 0.07, 0.05) * _bell(x, 0.0, 0.09) * front
    cheeks = 0.012 * _bell(y, 0.38, 0.07) * _bell(x.abs(), 0.20, 0.07) * front
    ear = 0.075 * _bell(angle.abs(), radians(97), radians(13)) * _bell(y, 0.47, 0.085)
    x = x + ear * angle.sign()
    depth = z + nose + sockets + brow + lips + chin + cheeks - 0.25 * ear
    local = torch.stack((x, plain[1].expand_as(x), depth))
    # Body coordinates of the face are what face.py paints in: x and height in head units.
    flat = torch.where(angle.abs() < pi / 2, plain[0], angle.sign() * (0.34 + 0.3 * (angle.abs() - pi / 2)))
    return Grid(
        sf.HEAD,
        sf.SKIN,
        _place(local, shape, skeleton),
        torch.stack((flat, y.expand_as(flat))),
        torch.ones_like(seed, dtype=torch.bool),
    )


def _hair(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, seed: Tensor, detail: Detail) -> Grid:
    """A shell from the crown to the hairline that hangs on below the ears where the hair is long."""
    draw = Draws(seed, "hair")
    cover, hang, columns = detail.rows(13), detail.rows(9), detail.columns(40)
    batch = seed.shape[0]
    angle = sf.around(columns)[None, None]
    degrees = (angle.abs() * 180 / pi).reshape(1, -1)
    short_line, long_line = _HAIRLINE(degrees[:, None])
    long = (outfit.hair_length > 0)[:, None, None]
    edge = torch.where(long, long_line, short_line)
    bangs = torch.where(outfit.fringe > 0.62, 0.20, torch.where(outfit.fringe > 0.45, 0.08, 0.0)) * (
        1 - 0.6 * (shape.female < 0.5).float()
    )
    high = draw.uniform(-0.015, 0.05)[:, None, None] * (shape.female < 0.5)[:, None, None]
    part = (draw.uniform(-0.5, 0.5) * (outfit.fringe < 0.8))[:, None, None]
    edge = edge - bangs[:, None, None] * torch.exp(-(((angle - part) / 0.75) ** 4)) + high * angle.cos().clamp(min=0)
    edge = edge.expand(batch, 1, columns + 1)
    t = torch.linspace(0, 1, cover)[None, :, None]
    y = 1 - (1 - edge) * t**0.85
    volume = (
        outfit.hair_volume[:, None, None] * (0.75 + 0.5 * ((y - 0.5) / 0.4).clamp(0, 1))
        + 0.06 * outfit.curl[:, None, None]
    )
    volume = torch.where((outfit.hat > 0)[:, None, None], volume.clamp(max=0.022), volume)
    side = ((degrees.reshape(1, 1, -1) - 50) / 30).clamp(0, 1)
    # Long hair covers the ears, which stand off the skull.
    volume = torch.where(
        long, volume + 0.045 * _bell(angle.abs(), radians(95), radians(22)) * ((0.75 - y) / 0.2).clamp(0, 1), volume
    )
    taper = torch.where(long, 1 - (1 - side) * t**4, 1 - t**5)
    strands = torch.sin(angle * 23 + 2 * torch.sin(y * 9)) * 0.006 + torch.sin(angle * 11 + y * 14) * 0.010 * (
        0.4 + outfit.curl[:, None, None] * 2
    )
    grow = volume * taper + strands * (0.3 + 0.7 * t) * taper - 0.012 * (1 - taper)
    grow = torch.where(outfit.bald[:, None, None], torch.full_like(grow, -0.03), grow)
    shell = _place(_skull_point(y, angle.expand_as(y), grow), shape, skeleton)
    # Below the ears the hair falls along the vertical, not along the tilted head.
    fall = torch.linspace(0, 1, hang + 1)[1:]
    length = (
        outfit.hair_length[:, None, None]
        * (((degrees.reshape(1, 1, -1) - 66) / 10).clamp(0, 1))
        * (0.88 + 0.12 * -angle.cos())
    )
    down = unit(
        -0.75 * skeleton.chest_frame[..., 1] - 0.25 * skeleton.head_frame[..., 1] + torch.tensor([0.0, -0.6, 0.0])
    )
    head, fall = shape.head[:, None, None], fall[None, :, None]
    # It lies on the upper back: the tips move back, and narrow a little.
    back = 0.16 * length * fall**1.5
    wave = 0.02 * torch.sin(angle * 9 + fall * 7) * outfit.hair_length[:, None, None].clamp(max=1)
    out = (wave - 0.06 * fall**2) * angle.sin()
    hanging = shell[:, :, -1:] + head * (
        (length * fall) * lead(down)[..., None, None]
        - back * lead(skeleton.chest_frame[..., 2])[..., None, None]
        + out * lead(skeleton.head_frame[..., 0])[..., None, None]
    )
    points = torch.cat((shell, torch.where(long, hanging, shell[:, :, -1:].expand_as(hanging))), 2)
    along = torch.cat((t * 0.25, 0.25 + fall * 0.3), 1).expand(1, -1, columns + 1)
    coords = torch.stack((angle.expand_as(along) * 0.09, along))
    return Grid(sf.HAIR, sf.HAIR_SLOT, points, coords, ~outfit.bald, inside=detail.rows(12))


def _tail(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, detail: Detail) -> Grid:
    """A ponytail or a bun at the back of the head."""
    bun = (outfit.tail == wd.BUN)[:, None]
    local = torch.tensor([[0, 0.74, -0.40], [0, 0.70, -0.62], [0, 0.45, -0.68], [0, 0.10, -0.62]])
    knot = torch.tensor([[0, 0.86, -0.30], [0, 0.88, -0.40], [0, 0.90, -0.50], [0, 0.92, -0.60]])
    joints = torch.where(bun[..., None], knot, local)
    head = shape.head[:, None, None]
    joints = skeleton.head[:, None] + turn(skeleton.head_frame[:, None], joints * head)
    sag = torch.tensor([0.0, 0.0, 0.06, 0.2])[None, :, None] * head * torch.tensor([0.0, -1.0, 0.0])
    joints = joints + torch.where(bun[..., None], torch.zeros_like(sag), sag)
    t = torch.linspace(0, 1, detail.rows(11))
    centre = sf.path_at(lead(joints), 3 * t[None], 0.3)
    axis = lead(skeleton.head_frame[..., 0])[..., None]
    lateral, frontal = sf.frames_along(sf.tangents(centre), axis, 0)
    tail = (0.05 + 0.07 * torch.sin(pi * t.clamp(max=0.9)) * (1 - t) ** 0.3) * (t < 0.999)
    knob = 0.17 * (1 - (2 * t - 1) ** 2).clamp(min=0).sqrt()
    radius = torch.where(bun, knob, tail) * head[..., 0]
    columns = detail.columns(12)
    points = sf.sweep(centre, lateral, frontal, radius.expand(3, -1, -1), columns)
    coords = sf.part_coords(columns, 0.03, 0.3 * t[None])
    return Grid(sf.TAIL, sf.HAIR_SLOT, points, coords, (outfit.tail > 0) & ~outfit.bald)


def _hat(shape: Shape, skeleton: Skeleton, outfit: wd.Outfit, detail: Detail) -> Grid:
    dome, brim, columns = detail.rows(11), detail.rows(4), detail.columns(36)
    angle = sf.around(columns)[None, None]
    kind = outfit.hat

    def by_kind(*values: float) -> Tensor:
        return torch.tensor(values)[kind][:, None, None]

    edge = by_kind(0.7, 0.73, 0.60, 0.70) - by_kind(0, 0.10, 0.06, 0.02) * (1 - angle.cos()) / 2
    t = torch.linspace(0, 1, dome)[None, :, None]
    y = 1 - (1 - edge) * t**0.7
    # The turned-up cuff tells a beanie from hair.
    grow = (
        by_kind(0.0, 0.0, 0.03, 0.0) * (t > 0.68)
        + by_kind(0.01, 0.055, 0.065, 0.06)
        + by_kind(0, 0.04, 0.05, 0.09) * (1 - t) ** 0.6
    )
    cap = _skull_point(y, angle, grow)
    visor = ((angle.cos() - 0.25) / 0.5).clamp(0, 1)
    width = by_kind(0, 0.40, 0, 0) * visor * angle.cos().clamp(min=0) ** 0.3 + by_kind(0, 0, 0.0, 0.34)
    step = torch.linspace(0, 1, brim + 1)[1:][None, :, None]
    narrow = 1 - 0.75 * (kind == wd.CAP).float()[:, None, None]
    reach = width * step
    brim_points = torch.stack(
        (
            reach * angle.sin() * narrow,
            reach * step * -0.22,
            reach * angle.cos(),
        )
    )
    local = torch.cat((cap, cap[:, :, -1:] + brim_points), 2)
    along = torch.cat((t * 0.15, 0.15 + step * 0.08), 1).expand(1, -1, columns + 1)
    coords = torch.stack((angle.expand_as(along) * 0.10, along))
    return Grid(sf.HAT, sf.HAT_SLOT, _place(local, shape, skeleton), coords, kind > 0, inside=detail.rows(6))
