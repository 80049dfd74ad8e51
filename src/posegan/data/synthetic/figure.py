"""Body surfaces: trunk, neck, arms with hands, legs and shoes as swept grids.

Exists to give a posed skeleton flesh. Clothes lie in garments.py, the head in head.py.
Profile tables hold half-width, front and back depth in parts of the stature, read off anthropometric means and
adjusted by eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.body import SIDE, Shape
from posegan.data.synthetic.kinematics import Skeleton
from posegan.data.synthetic.surfaces import Detail, Grid, Profile, lead, unit
from posegan.layers.smoothstep import smoothstep

# Station: height above the hip joints in trunk lengths; 1 is the line of the shoulder joints.
_TRUNK_MALE = Profile([
    (1.21, 0.032, 0.028, 0.034), (1.16, 0.043, 0.034, 0.043), (1.12, 0.057, 0.039, 0.050), (1.08, 0.074, 0.044, 0.055),
    (1.04, 0.090, 0.048, 0.058), (1.00, 0.100, 0.052, 0.060), (0.95, 0.105, 0.056, 0.062), (0.88, 0.106, 0.062, 0.063),
    (0.80, 0.103, 0.067, 0.062), (0.70, 0.098, 0.066, 0.058), (0.60, 0.092, 0.061, 0.053),
    (0.48, 0.086, 0.057, 0.049), (0.36, 0.084, 0.056, 0.048), (0.24, 0.087, 0.056, 0.052), (0.12, 0.092, 0.058, 0.061),
    (0.00, 0.096, 0.059, 0.068), (-0.10, 0.094, 0.056, 0.066), (-0.20, 0.074, 0.046, 0.055),
    (-0.28, 0.030, 0.025, 0.030),
])  # fmt: skip
_TRUNK_FEMALE = Profile([
    (1.21, 0.028, 0.025, 0.030), (1.16, 0.037, 0.030, 0.038), (1.12, 0.049, 0.035, 0.044), (1.08, 0.064, 0.039, 0.049),
    (1.04, 0.078, 0.043, 0.052), (1.00, 0.087, 0.047, 0.054), (0.95, 0.091, 0.051, 0.056), (0.88, 0.092, 0.058, 0.056),
    (0.80, 0.090, 0.068, 0.055), (0.70, 0.086, 0.074, 0.051), (0.60, 0.079, 0.062, 0.046),
    (0.48, 0.071, 0.051, 0.042), (0.36, 0.072, 0.051, 0.044), (0.24, 0.083, 0.053, 0.053), (0.12, 0.096, 0.056, 0.066),
    (0.00, 0.103, 0.057, 0.072), (-0.10, 0.099, 0.054, 0.068), (-0.20, 0.077, 0.044, 0.056),
    (-0.28, 0.030, 0.025, 0.030),
])  # fmt: skip
_TRUNK_HEAVY = Profile([
    (1.17, 0.006, 0.005, 0.004), (1.04, 0.008, 0.006, 0.008), (0.90, 0.010, 0.010, 0.012), (0.70, 0.017, 0.020, 0.014),
    (0.48, 0.025, 0.036, 0.013), (0.30, 0.026, 0.038, 0.012), (0.10, 0.018, 0.024, 0.016), (-0.10, 0.014, 0.010, 0.016),
    (-0.28, 0.004, 0.004, 0.004),
])  # fmt: skip
# Stations: 0 inner shoulder, 1 shoulder, 2 elbow, 3 wrist, 4 knuckles, 5 finger tips.
_ARM = Profile([
    (0.0, 0.010, 0.010, 0.010), (0.45, 0.020, 0.022, 0.022), (0.8, 0.0270, 0.031, 0.031), (1.0, 0.0300, 0.0335, 0.0335),
    (1.2, 0.0300, 0.0330, 0.0330), (1.45, 0.0270, 0.030, 0.029), (1.75, 0.0240, 0.026, 0.0255),
    (2.0, 0.0225, 0.0235, 0.0240),
    (2.25, 0.0235, 0.0245, 0.0245), (2.5, 0.0205, 0.0215, 0.0215), (2.8, 0.0155, 0.0170, 0.0170),
    (3.0, 0.0125, 0.0165, 0.0165),
    (3.3, 0.0125, 0.0190, 0.0190), (3.7, 0.0120, 0.0235, 0.0225), (4.0, 0.0110, 0.0235, 0.0220),
    (4.5, 0.0090, 0.0205, 0.0195),
    (4.85, 0.0070, 0.0150, 0.0150), (5.0, 0.0, 0.0, 0.0),
])  # fmt: skip
# Stations: 0 inside the pelvis, 1 hip, 2 knee, 3 ankle.
_LEG = Profile([
    (0.0, 0.020, 0.020, 0.020), (0.5, 0.042, 0.041, 0.046), (1.0, 0.0500, 0.049, 0.056), (1.2, 0.0500, 0.053, 0.054),
    (1.45, 0.0455, 0.050, 0.047), (1.7, 0.0395, 0.043, 0.040), (1.9, 0.0345, 0.038, 0.0355),
    (2.02, 0.0325, 0.0365, 0.034),
    (2.15, 0.0305, 0.032, 0.0365), (2.32, 0.0320, 0.0305, 0.041), (2.5, 0.0300, 0.028, 0.0365),
    (2.75, 0.0225, 0.022, 0.0265),
    (2.9, 0.0185, 0.0195, 0.022), (3.0, 0.0190, 0.021, 0.0235), (3.15, 0.0170, 0.020, 0.022),
])  # fmt: skip
# Stations: 0 heel .. 1 toe; half-width and height in parts of the foot length.
_SHOE = Profile([
    (0.0, 0.0, 0.20), (0.03, 0.110, 0.32), (0.14, 0.150, 0.44), (0.30, 0.155, 0.46), (0.45, 0.165, 0.36),
    (0.60, 0.190, 0.285), (0.75, 0.200, 0.235), (0.88, 0.185, 0.20), (0.96, 0.140, 0.165), (1.0, 0.0, 0.10),
])  # fmt: skip


@dataclass(frozen=True)
class Limb:
    """The path of a limb: joints (3, B, K), hinge axes (3, B, K), twist (B, K) about the bone."""

    joints: Tensor
    axes: Tensor
    twist: Tensor

    def sections(self, station: Tensor, rounding: float, inner: int) -> tuple[Tensor, Tensor, Tensor]:
        """Centres, lateral and frontal axes (3, B, R) at stations (B or 1, R), of which the first `inner` lie before
        the first joint.
        """
        centre = sf.path_at(self.joints, station, rounding)
        values = torch.cat((self.axes, self.twist[None]))
        index = station.clamp(0, values.shape[2] - 1)
        low = index.long().clamp_(max=values.shape[2] - 2)
        pick = low.expand(4, values.shape[1], -1)
        mixed = torch.lerp(values.gather(2, pick), values.gather(2, pick + 1), index - low)
        lateral, frontal = sf.frames_along(sf.tangents(centre), mixed[:3], inner)
        cosine, sine = mixed[3].cos(), mixed[3].sin()
        return centre, lateral * cosine + frontal * sine, frontal * cosine - lateral * sine


def both(value: Tensor) -> Tensor:
    """Values (B, ...) of a person for the right and the left side, (2 * B, ...)."""
    return torch.cat((value, value))


def _sides(value: Tensor) -> Tensor:
    """Vectors (B, 2, 3) of the right and the left side as (3, 2 * B)."""
    return value.permute(2, 1, 0).flatten(1)


def both_shapes(shape: Shape) -> Shape:
    """The shapes of the owners of right and left limbs."""
    return Shape(**{name: both(value) for name, value in vars(shape).items()})


def _signs(batch: int) -> Tensor:
    return SIDE.repeat_interleave(batch)


def arm_limbs(shape: Shape, skeleton: Skeleton) -> Limb:
    """The paths of the right, then the left arms (2 * B) from the inner shoulder to the finger tips; `shape` is that of
    `both_shapes`.
    """
    batch = len(skeleton.neck)
    shoulder, elbow, wrist, axis = (
        _sides(joint) for joint in (skeleton.shoulder, skeleton.elbow, skeleton.wrist, skeleton.arm_axis)
    )
    inner = torch.lerp(lead(both(skeleton.neck)), shoulder, 0.40)
    inner = inner + 0.004 * shape.stature * lead(both(skeleton.chest_frame[..., 1]))
    bone = unit(wrist - elbow)
    sign = _signs(batch)
    twist = -sign * skeleton.twist.t().flatten()
    palm = -sign * (axis * twist.cos() + sf.cross(bone, axis) * twist.sin())
    curl = skeleton.curl.t().flatten()
    knuckle = wrist + 0.52 * shape.hand * unit(bone + 0.18 * palm)
    tip = knuckle + 0.46 * shape.hand * (bone * curl.cos() + palm * curl.sin())
    joints = torch.stack((inner, shoulder, elbow, wrist, knuckle, tip), 2)
    zero = torch.zeros_like(twist)
    twists = torch.stack((zero, zero, 0.15 * twist, twist, twist, twist), 1)
    return Limb(joints, axis[..., None].expand_as(joints), twists)


def leg_limbs(shape: Shape, skeleton: Skeleton) -> Limb:
    """The paths of the right, then the left legs (2 * B) from inside the pelvis to just below the ankle."""
    hip, knee, ankle, axis = (
        _sides(joint) for joint in (skeleton.hip, skeleton.knee, skeleton.ankle, skeleton.leg_axis)
    )
    pelvis = lead(both(skeleton.pelvis_frame.transpose(-1, -2)))
    inner = hip + 0.075 * shape.stature * pelvis[..., 1] - 0.25 * (hip - lead(both(skeleton.pelvis)))
    end = ankle - shape.ankle_height * _sides(skeleton.foot_frame[..., 1])
    joints = torch.stack((inner, hip, knee, ankle, end), 2)
    heel = unit(axis + _sides(skeleton.foot_frame[..., 0]))
    return Limb(joints, torch.stack((pelvis[..., 0], axis, axis, heel, axis), 2), torch.zeros_like(joints[0]))


def arm_size(shape: Shape, station: Tensor) -> Tensor:
    """Half-width, front and back depth (3, B, R) of arms in metres at stations (B or 1, R)."""
    scale = (1 - 0.13 * shape.female - 0.06 * shape.child + 0.10 * shape.weight).clamp(min=0.72)[:, None]
    upper = (2.2 - station).clamp(0, 1) * 0.14 * shape.weight[:, None].clamp(min=-0.3)
    hand = (station - 2.8).clamp(0, 1)
    scale = torch.lerp(scale + upper, 1 - 0.07 * shape.female[:, None], hand)
    return _ARM(station) * (scale * shape.stature[:, None])


def leg_size(shape: Shape, station: Tensor) -> Tensor:
    """Half-width, front and back depth (3, B, R) of legs in metres at stations (B or 1, R)."""
    thigh = (2.0 - station).clamp(0, 1)
    scale = 1 + 0.13 * shape.weight[:, None] * (0.6 + thigh) + shape.female[:, None] * (0.07 * thigh - 0.03)
    return _LEG(station) * (scale.clamp(min=0.78) * shape.stature[:, None])


def trunk_size(shape: Shape, height: Tensor) -> Tensor:
    """Half-width, front and back depth (3, B, R) of the trunk in metres at heights (B or 1, R) in trunk lengths."""
    adult = torch.lerp(_TRUNK_MALE(height), _TRUNK_FEMALE(height), shape.female[:, None])
    weight = shape.weight[:, None]
    size = adult + _TRUNK_HEAVY(height) * torch.where(weight > 0, weight, 0.45 * weight)
    return size * (shape.stature * (1 + 0.03 * shape.child))[:, None]


def trunk_sections(skeleton: Skeleton, shape: Shape, height: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centres, lateral and frontal axes (3, B, R) of the trunk at heights (B or 1, R) in trunk lengths."""
    trunk = shape.trunk[:, None]
    below = skeleton.pelvis - 0.36 * trunk * skeleton.pelvis_frame[..., 1]
    above = skeleton.neck + 0.36 * trunk * skeleton.chest_frame[..., 1]
    joints = torch.stack((below, skeleton.pelvis, skeleton.waist, skeleton.chest, skeleton.neck, above), 1)
    station = torch.where(height < 0.36, height / 0.36 + 1, (height - 0.36) / 0.34 + 2)
    station = torch.where(height > 0.70, (height - 0.70) / 0.30 + 3, station)
    station = torch.where(height > 1.0, (height - 1.0) / 0.36 + 4, station)
    centre = sf.path_at(lead(joints), station, 0.5)
    blend = smoothstep(height, 0.05, 0.70)
    pelvis, chest = (lead(frame.transpose(-1, -2)) for frame in (skeleton.pelvis_frame, skeleton.chest_frame))
    lateral = unit(torch.lerp(pelvis[..., 0:1], chest[..., 0:1], blend))
    frontal = torch.lerp(pelvis[..., 2:3], chest[..., 2:3], blend)
    return centre, lateral, unit(frontal - lateral * sf.dot(frontal, lateral))


def pair(
    parts: tuple[int, int], slot: int, points: Tensor, coords: Tensor, present: Tensor, inside: int = 0
) -> list[Grid]:
    """The grids of the right and the left limbs from points (3, 2 * B, R, C); `present` (B,)."""
    batch = len(present)
    coords = coords.expand(-1, 2 * batch, -1, -1)
    return [
        Grid(part, slot, points[:, items], coords[:, items], present, inside)
        for part, items in zip(parts, (slice(batch), slice(batch, None)), strict=True)
    ]


def body_grids(
    shape: Shape, skeleton: Skeleton, arms: Limb, legs: Limb, waist_ease: Tensor, detail: Detail
) -> list[Grid]:
    """Skin of the trunk, neck, arms, legs, and the shoes; `waist_ease` (B,) metres of cloth lie on the hips."""
    always = torch.ones_like(waist_ease, dtype=torch.bool)
    pairs = both_shapes(shape)
    inner = torch.linspace(0.0, 0.97, detail.rows(6))
    limb = torch.linspace(1.15, 2.9, detail.rows(10))
    station = torch.cat((inner, limb, torch.linspace(3.05, 5.0, detail.rows(11))))[None]
    columns = detail.columns(12)
    points = sf.sweep(*arms.sections(station, 0.16, len(inner)), arm_size(pairs, station), columns, 0.92)
    coords = sf.part_coords(columns, 0.035, station * 0.27)
    grids = [_trunk(shape, skeleton, waist_ease, always, detail), _neck(shape, skeleton, always, detail)]
    grids += pair((sf.ARM_R, sf.ARM_L), sf.SKIN, points, coords, always)
    grids += _thumbs(pairs, arms, always, detail)
    inner = torch.linspace(0.3, 0.97, detail.rows(7))
    station = torch.cat((inner, torch.linspace(1.08, 3.12, detail.rows(19))))[None]
    columns = detail.columns(14)
    points = sf.sweep(*legs.sections(station, 0.12, len(inner)), leg_size(pairs, station), columns)
    coords = sf.part_coords(columns, 0.06, station * 0.42)
    grids += pair((sf.LEG_R, sf.LEG_L), sf.LEG_SLOT, points, coords, always)
    return grids + _shoes(pairs, skeleton, always, detail)


def _trunk(shape: Shape, skeleton: Skeleton, waist_ease: Tensor, present: Tensor, detail: Detail) -> Grid:
    height = torch.linspace(1.21, -0.28, detail.rows(25))[None]
    cloth = waist_ease[:, None] * ((0.36 - height) / 0.05).clamp(0, 1)
    columns = detail.columns(28)
    points = sf.sweep(*trunk_sections(skeleton, shape, height), trunk_size(shape, height) + cloth, columns, 0.86)
    coords = sf.part_coords(columns, 0.16, (1 - height) * shape.trunk[:, None])
    return Grid(sf.TORSO, sf.INNER_SLOT, points, coords, present)


def _neck(shape: Shape, skeleton: Skeleton, present: Tensor, detail: Detail) -> Grid:
    stature = shape.stature[:, None]
    frame = skeleton.head_frame
    top = skeleton.head + (0.30 * frame[..., 1] - 0.10 * frame[..., 2]) * shape.head[:, None]
    base = (
        skeleton.neck + 0.030 * stature * skeleton.chest_frame[..., 1] + 0.002 * stature * skeleton.chest_frame[..., 2]
    )
    fraction = torch.linspace(0, 1, detail.rows(7))
    thick = (0.0345 - 0.0055 * shape.female - 0.004 * shape.child + 0.004 * shape.weight) * shape.stature
    size = thick[:, None] * (1 + 2.25 * (fraction - 0.55).clamp(min=0) ** 2)
    size = size * torch.tensor([1.0, 1.0, 1.02])[:, None, None]
    centre, lateral, frontal = (
        torch.lerp(lead(upper)[..., None], lead(lower)[..., None], fraction)
        for upper, lower in ((top, base), *((frame[..., axis], skeleton.chest_frame[..., axis]) for axis in (0, 2)))
    )
    columns = detail.columns(16)
    points = sf.sweep(centre, unit(lateral), unit(frontal), size, columns)
    return Grid(sf.NECK, sf.SKIN, points, sf.part_coords(columns, 0.06, fraction[None] * 0.12), present)


def _thumbs(shape: Shape, limb: Limb, present: Tensor, detail: Detail) -> list[Grid]:
    centre, lateral, frontal = limb.sections(torch.tensor([[3.15, 3.6, 4.0]]), 0.1, 0)
    palm = -_signs(len(present))[:, None] * lateral
    out, over = torch.tensor([0.0, 0.16, 0.21]), torch.tensor([0.0, 0.05, 0.14])
    knots = centre + shape.hand[:, None] * (out * frontal + over * palm)
    along = torch.linspace(0, 2, max(detail.rows(6), 4))[None]
    path = sf.path_at(knots, along, 0.25)
    x, z = sf.frames_along(sf.tangents(path), lateral[..., :1], 0)
    radius = 0.089 * (1 - 0.25 * along) * (along < 2)
    size = (radius * shape.hand[:, None]).expand(3, -1, -1)
    columns = detail.columns(8)
    points, coords = sf.sweep(path, x, z, size, columns), sf.part_coords(columns, 0.01, along * 0.03)
    return pair((sf.THUMB_R, sf.THUMB_L), sf.SKIN, points, coords, present)


def _shoes(shape: Shape, skeleton: Skeleton, present: Tensor, detail: Detail) -> list[Grid]:
    """Shoes lofted from heel to toe; their cross-sections stand upright and are flat below."""
    side, upward, ahead = (_sides(skeleton.foot_frame[..., axis])[..., None] for axis in range(3))
    foot = shape.foot[:, None] * 1.10
    along = torch.linspace(0, 1, detail.rows(15))
    along = (along - 0.10 * torch.sin(2 * torch.pi * along) / 2)[None]
    half, height = _SHOE(along) * foot
    sole = _sides(skeleton.ankle)[..., None] - shape.ankle_height[:, None] * upward
    # The sole's midline bends inwards, which tells the right shoe from the left.
    inward = -_signs(len(present))[:, None] * 0.035 * (along * (1 - along) * 4 - along)
    centre = sole + (along - 0.30) * foot * ahead + inward * foot * side + 0.4 * height * upward
    columns = detail.columns(16)
    # Rows run forward and angle 0 points up, so the lateral axis is mirrored to keep the normals outward.
    size = torch.stack((half, 0.6 * height, 0.4 * height))
    points = sf.sweep(centre, -side, upward, size, columns, 0.72)
    coords = sf.part_coords(columns, 0.05, along * 0.28)
    return pair((sf.SHOE_R, sf.SHOE_L), sf.SHOE_SLOT, points, coords, present)
