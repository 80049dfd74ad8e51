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
from posegan.data.synthetic.kinematics import Skeleton, unit
from posegan.data.synthetic.surfaces import Grid, Profile

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
    """The path of a limb: joints (B, K, 3), hinge axes (B, K, 3), twist (B, K) about the bone."""

    joints: Tensor
    axes: Tensor
    twist: Tensor

    def sections(self, station: Tensor, rounding: float, inner: int) -> tuple[Tensor, Tensor, Tensor]:
        """Centres, lateral and frontal axes (B, R, 3) at stations (B, R), of which the first `inner` lie before the
        first joint.
        """
        centre = sf.path_at(self.joints, station, rounding)
        index = station.clamp(0, self.axes.shape[1] - 1)
        low = index.floor().long().clamp(max=self.axes.shape[1] - 2)
        fraction = index - low
        twist = torch.lerp(self.twist.gather(1, low), self.twist.gather(1, low + 1), fraction)
        pick = low.unsqueeze(-1).expand(-1, -1, 3)
        axis = torch.lerp(self.axes.gather(1, pick), self.axes.gather(1, pick + 1), fraction.unsqueeze(-1))
        lateral, frontal = sf.frames_along(sf.tangents(centre), axis, inner)
        cosine, sine = twist.cos().unsqueeze(-1), twist.sin().unsqueeze(-1)
        return centre, lateral * cosine + frontal * sine, frontal * cosine - lateral * sine


def arm_limb(shape: Shape, skeleton: Skeleton, side: int) -> Limb:
    """The path from the inner shoulder to the finger tips."""
    sign = SIDE[side]
    shoulder, elbow, wrist = (joint[:, side] for joint in (skeleton.shoulder, skeleton.elbow, skeleton.wrist))
    axis = skeleton.arm_axis[:, side]
    inner = torch.lerp(skeleton.neck, shoulder, 0.40) + 0.004 * shape.stature[:, None] * skeleton.chest_frame[..., 1]
    bone = unit(wrist - elbow)
    frontal = torch.linalg.cross(bone, axis)
    twist = -sign * skeleton.twist[:, side]
    palm = -sign * (axis * twist.cos()[:, None] + frontal * twist.sin()[:, None])
    curl = skeleton.curl[:, side]
    hand = shape.hand[:, None]
    knuckle = wrist + 0.52 * hand * unit(bone + 0.18 * palm)
    tip = knuckle + 0.46 * hand * (bone * curl.cos()[:, None] + palm * curl.sin()[:, None])
    joints = torch.stack((inner, shoulder, elbow, wrist, knuckle, tip), 1)
    zero = torch.zeros_like(twist)
    twists = torch.stack((zero, zero, zero + 0.15 * twist, twist, twist, twist), 1)
    return Limb(joints, axis[:, None].expand(-1, 6, -1), twists)


def leg_limb(shape: Shape, skeleton: Skeleton, side: int) -> Limb:
    """The path from inside the pelvis to just below the ankle."""
    hip, knee, ankle = (joint[:, side] for joint in (skeleton.hip, skeleton.knee, skeleton.ankle))
    up = skeleton.pelvis_frame[..., 1]
    inner = hip + 0.075 * shape.stature[:, None] * up - 0.25 * (hip - skeleton.pelvis)
    end = ankle - shape.ankle_height[:, None] * skeleton.foot_frame[:, side, :, 1]
    joints = torch.stack((inner, hip, knee, ankle, end), 1)
    axis = skeleton.leg_axis[:, side]
    axes = torch.stack(
        (skeleton.pelvis_frame[..., 0], axis, axis, unit(axis + skeleton.foot_frame[:, side, :, 0]), axis), 1
    )
    return Limb(joints, axes, torch.zeros_like(joints[..., 0]))


def arm_size(shape: Shape, station: Tensor) -> Tensor:
    """Half-width, front and back depth (B, R, 3) of an arm in metres."""
    scale = (1 - 0.13 * shape.female - 0.06 * shape.child + 0.10 * shape.weight).clamp(min=0.72)[:, None]
    upper = (2.2 - station).clamp(0, 1) * 0.14 * shape.weight[:, None].clamp(min=-0.3)
    hand = (station - 2.8).clamp(0, 1)
    scale = torch.lerp(scale + upper, torch.ones_like(scale) - 0.07 * shape.female[:, None], hand)
    return _ARM(station) * (scale * shape.stature[:, None]).unsqueeze(-1)


def leg_size(shape: Shape, station: Tensor) -> Tensor:
    """Half-width, front and back depth (B, R, 3) of a leg in metres."""
    thigh = (2.0 - station).clamp(0, 1)
    scale = 1 + 0.13 * shape.weight[:, None] * (0.6 + thigh) + shape.female[:, None] * (0.07 * thigh - 0.03)
    return _LEG(station) * (scale.clamp(min=0.78) * shape.stature[:, None]).unsqueeze(-1)


def trunk_size(shape: Shape, height: Tensor) -> Tensor:
    """Half-width, front and back depth (B, R, 3) of the trunk in metres at heights (B, R) in trunk lengths."""
    female = shape.female[:, None, None]
    adult = torch.lerp(_TRUNK_MALE(height), _TRUNK_FEMALE(height), female)
    weight = shape.weight[:, None, None]
    size = adult + _TRUNK_HEAVY(height) * torch.where(weight > 0, weight, 0.45 * weight)
    return size * (shape.stature[:, None, None] * (1 + 0.03 * shape.child[:, None, None]))


def trunk_sections(skeleton: Skeleton, shape: Shape, height: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centres, lateral and frontal axes (B, R, 3) of the trunk at heights (B, R) in trunk lengths."""
    trunk = shape.trunk[:, None]
    below = skeleton.pelvis - 0.36 * trunk * skeleton.pelvis_frame[..., 1]
    above = skeleton.neck + 0.36 * trunk * skeleton.chest_frame[..., 1]
    joints = torch.stack((below, skeleton.pelvis, skeleton.waist, skeleton.chest, skeleton.neck, above), 1)
    station = torch.where(height < 0.36, height / 0.36 + 1, (height - 0.36) / 0.34 + 2)
    station = torch.where(height > 0.70, (height - 0.70) / 0.30 + 3, station)
    station = torch.where(height > 1.0, (height - 1.0) / 0.36 + 4, station)
    centre = sf.path_at(joints, station, 0.5)
    blend = ((height - 0.05) / 0.65).clamp(0, 1)
    blend = (blend * blend * (3 - 2 * blend)).unsqueeze(-1)
    lateral = unit(torch.lerp(skeleton.pelvis_frame[:, None, :, 0], skeleton.chest_frame[:, None, :, 0], blend))
    frontal = torch.lerp(skeleton.pelvis_frame[:, None, :, 2], skeleton.chest_frame[:, None, :, 2], blend)
    return centre, lateral, unit(frontal - lateral * (frontal * lateral).sum(-1, keepdim=True))


def body_grids(shape: Shape, skeleton: Skeleton, waist_ease: Tensor) -> list[Grid]:
    """Skin of the trunk, neck, arms, legs, and the shoes; `waist_ease` (B,) metres of cloth lie on the hips."""
    always = torch.ones_like(waist_ease, dtype=torch.bool)
    stature = shape.stature
    grids = [_trunk(shape, skeleton, waist_ease, always), _neck(shape, skeleton, always)]
    for side in range(2):
        limb = arm_limb(shape, skeleton, side)
        station = torch.cat((torch.linspace(0.0, 2.9, 16), torch.linspace(3.05, 5.0, 11))).expand(stature.shape[0], -1)
        centre, lateral, frontal = limb.sections(station, 0.16, 6)
        angle = sf.around(12)
        points = sf.sweep(centre, lateral, frontal, arm_size(shape, station), angle, 0.92)
        grids.append(Grid(sf.ARM_R + side, sf.SKIN, points, sf.part_coords(angle, 0.035, station * 0.27), always))
        grids.append(_thumb(shape, limb, side, always))
        limb = leg_limb(shape, skeleton, side)
        station = torch.linspace(0.3, 3.12, 26).expand(stature.shape[0], -1)
        centre, lateral, frontal = limb.sections(station, 0.12, 7)
        angle = sf.around(14)
        points = sf.sweep(centre, lateral, frontal, leg_size(shape, station), angle)
        grids.append(Grid(sf.LEG_R + side, sf.LEG_SLOT, points, sf.part_coords(angle, 0.06, station * 0.42), always))
        grids.append(_shoe(shape, skeleton, side, always))
    return grids


def _trunk(shape: Shape, skeleton: Skeleton, waist_ease: Tensor, present: Tensor) -> Grid:
    height = torch.linspace(1.21, -0.28, 25).expand(present.shape[0], -1)
    centre, lateral, frontal = trunk_sections(skeleton, shape, height)
    angle = sf.around(28)
    cloth = waist_ease[:, None, None] * ((0.36 - height) / 0.05).clamp(0, 1).unsqueeze(-1)
    points = sf.sweep(centre, lateral, frontal, trunk_size(shape, height) + cloth, angle, 0.86)
    return Grid(
        sf.TORSO, sf.INNER_SLOT, points, sf.part_coords(angle, 0.16, (1 - height) * shape.trunk[:, None]), present
    )


def _neck(shape: Shape, skeleton: Skeleton, present: Tensor) -> Grid:
    stature = shape.stature[:, None]
    frame = skeleton.head_frame
    top = skeleton.head + (0.30 * frame[..., 1] - 0.10 * frame[..., 2]) * shape.head[:, None]
    base = (
        skeleton.neck + 0.030 * stature * skeleton.chest_frame[..., 1] + 0.002 * stature * skeleton.chest_frame[..., 2]
    )
    fraction = torch.linspace(0, 1, 7)[None, :, None]
    centre = torch.lerp(top[:, None], base[:, None], fraction)
    thick = (0.0345 - 0.0055 * shape.female - 0.004 * shape.child + 0.004 * shape.weight) * shape.stature
    widen = 1 + 0.45 * (fraction[..., 0] - 0.55).clamp(min=0) ** 2 * 5
    size = thick[:, None, None] * widen.unsqueeze(-1) * torch.tensor([1.0, 1.0, 1.02])
    lateral = unit(torch.lerp(frame[:, None, :, 0], skeleton.chest_frame[:, None, :, 0], fraction))
    frontal = unit(torch.lerp(frame[:, None, :, 2], skeleton.chest_frame[:, None, :, 2], fraction))
    angle = sf.around(16)
    along = fraction[..., 0].expand(present.shape[0], -1) * 0.12
    return Grid(
        sf.NECK, sf.SKIN, sf.sweep(centre, lateral, frontal, size, angle), sf.part_coords(angle, 0.06, along), present
    )


def _thumb(shape: Shape, limb: Limb, side: int, present: Tensor) -> Grid:
    station = torch.tensor([3.15, 3.6, 4.0]).expand(present.shape[0], -1)
    centre, lateral, frontal = limb.sections(station, 0.1, 0)
    hand = shape.hand[:, None]
    palm = -SIDE[side] * lateral
    knots = torch.stack(
        (
            centre[:, 0],
            centre[:, 1] + hand * (0.16 * frontal[:, 1] + 0.05 * palm[:, 1]),
            centre[:, 2] + hand * (0.21 * frontal[:, 2] + 0.14 * palm[:, 2]),
        ),
        1,
    )
    along = torch.linspace(0, 2, 6).expand(present.shape[0], -1)
    path = sf.path_at(knots, along, 0.25)
    x, z = sf.frames_along(sf.tangents(path), lateral[:, :1].expand(-1, 6, -1), 0)
    radius = torch.tensor([0.085, 0.085, 0.07, 0.062, 0.05, 0.0]) * 1.05
    size = (radius[None, :] * hand).unsqueeze(-1).expand(-1, -1, 3)
    angle = sf.around(7)
    return Grid(
        sf.THUMB_R + side,
        sf.SKIN,
        sf.sweep(path, x, z, size, angle),
        sf.part_coords(angle, 0.01, along * 0.03),
        present,
    )


def _shoe(shape: Shape, skeleton: Skeleton, side: int, present: Tensor) -> Grid:
    """A shoe lofted from heel to toe; its cross-sections stand upright and are flat below."""
    frame = skeleton.foot_frame[:, side]
    foot = shape.foot[:, None, None] * 1.10
    along = torch.linspace(0, 1, 15)
    along = (along - 0.10 * torch.sin(2 * torch.pi * along) / 2).expand(present.shape[0], -1)
    profile = _SHOE(along) * foot
    sole = skeleton.ankle[:, side] - shape.ankle_height[:, None] * frame[..., 1]
    start = sole - 0.30 * foot[:, 0] * frame[..., 2]
    # The sole's midline bends inwards, which tells the right shoe from the left.
    inward = -SIDE[side] * 0.035 * (along * (1 - along) * 4 - along)
    centre = (
        start[:, None]
        + (along.unsqueeze(-1) * foot) * frame[:, None, :, 2]
        + inward.unsqueeze(-1) * foot * frame[:, None, :, 0]
    )
    height = profile[..., 1:2]
    centre = centre + 0.4 * height * frame[:, None, :, 1]
    size = torch.cat((profile[..., :1], 0.6 * height, 0.4 * height), -1)
    angle = sf.around(16)
    lateral = frame[:, None, :, 0].expand(-1, 15, -1)
    upward = frame[:, None, :, 1].expand(-1, 15, -1)
    # Rows run forward and angle 0 points up, so the lateral axis is mirrored to keep the normals outward.
    points = sf.sweep(centre, -lateral, upward, size, angle, 0.72)
    return Grid(sf.SHOE_R + side, sf.SHOE_SLOT, points, sf.part_coords(angle, 0.05, along * 0.28), present)
