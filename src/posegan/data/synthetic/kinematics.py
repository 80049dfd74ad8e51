"""Forward kinematics: from a body shape and a motion to posed joints and bone frames.

Exists to keep bones rigid and feet on the ground. It does not choose poses (motion.py) and it draws nothing
(figure.py, head.py).

Frame: x to the person's left, y up, z to the person's front, ground at y = 0, metres. Side index 0 is right, 1 is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic.body import SIDE, Motion, Shape


@dataclass(frozen=True)
class Skeleton:
    """Posed joints (B, ..., 3) in metres and rotations (B, ..., 3, 3) whose columns are the local x, y, z axes."""

    pelvis: Tensor
    waist: Tensor
    chest: Tensor
    neck: Tensor
    head: Tensor
    pelvis_frame: Tensor
    chest_frame: Tensor
    head_frame: Tensor
    shoulder: Tensor
    elbow: Tensor
    wrist: Tensor
    arm_axis: Tensor  # (B, 2, 3) elbow hinge
    twist: Tensor  # (B, 2)
    curl: Tensor  # (B, 2)
    hip: Tensor
    knee: Tensor
    ankle: Tensor
    leg_axis: Tensor  # (B, 2, 3) knee hinge
    foot_frame: Tensor  # (B, 2, 3, 3)
    seat_height: Tensor  # (B,) height of the sitting surface, 0 when not seated


def rotation(axis: int, angle: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) about one coordinate axis by angles (...)."""
    cosine, sine = angle.cos(), angle.sin()
    result = torch.zeros(*angle.shape, 3, 3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    result[..., axis, axis] = 1.0
    result[..., first, first] = cosine
    result[..., second, second] = cosine
    result[..., first, second] = -sine
    result[..., second, first] = sine
    return result


def compose(first: Tensor, second: Tensor) -> Tensor:
    """Matrix product (..., 3, 3), elementwise so that the result does not depend on the batch size (BLAS may)."""
    return (first.unsqueeze(-1) * second.unsqueeze(-3)).sum(-2)


def turn(frame: Tensor, vector: Tensor) -> Tensor:
    """Rotate vectors (..., 3) by frames (..., 3, 3)."""
    x, y, z = (vector[..., axis : axis + 1] * frame[..., axis] for axis in range(3))
    return x + y + z


def unit(vector: Tensor) -> Tensor:
    """Normalise the last axis."""
    length: Tensor = vector.square().sum(-1, keepdim=True).sqrt()
    return vector / length.clamp(min=1e-6)


def _two_bones(
    start: Tensor, goal: Tensor, pole: Tensor, upper: Tensor, lower: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Middle and end joints, and unit bend direction, of a two-bone chain that reaches for `goal` with its middle
    towards `pole`.
    """
    along = goal - start
    distance = along.norm(dim=-1).clamp(min=1e-4)
    direction = along / distance.unsqueeze(-1)
    distance = torch.minimum(torch.maximum(distance, (upper - lower).abs() + 0.12 * upper), 0.998 * (upper + lower))
    bend = unit(pole - direction * (pole * direction).sum(-1, keepdim=True))
    cosine = ((upper**2 + distance**2 - lower**2) / (2 * upper * distance)).clamp(-1, 1)
    sine = (1 - cosine**2).clamp(min=0).sqrt()
    middle = start + upper.unsqueeze(-1) * (cosine.unsqueeze(-1) * direction + sine.unsqueeze(-1) * bend)
    return middle, start + distance.unsqueeze(-1) * direction, bend


def _arms(shape: Shape, motion: Motion, shoulder: Tensor, chest_frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    frame = chest_frame[:, None].expand(-1, 2, -1, -1)
    side = SIDE.expand_as(motion.elbow)
    upper = shape.upper_arm[:, None].expand_as(side)
    lower = shape.forearm[:, None].expand_as(side)
    bone = compose(compose(frame, rotation(2, side * motion.arm_abduct)), rotation(0, -motion.arm_flex))
    bone = compose(bone, rotation(1, -side * motion.arm_rotate))
    elbow = shoulder - bone[..., 1] * upper.unsqueeze(-1)
    fore = compose(bone, rotation(0, -motion.elbow))
    wrist = elbow - fore[..., 1] * lower.unsqueeze(-1)
    mirror = torch.stack((side, torch.ones_like(side), torch.ones_like(side)), -1)
    goal = shoulder + turn(frame, motion.reach * mirror) * (upper + lower).unsqueeze(-1)
    pole = turn(frame, motion.elbow_pole * mirror)
    elbow_ik, wrist_ik, bend = _two_bones(shoulder, goal, pole, upper, lower)
    axis_ik = torch.linalg.cross(unit(wrist_ik - shoulder), bend)
    on = motion.reaching.unsqueeze(-1)
    return torch.where(on, elbow_ik, elbow), torch.where(on, wrist_ik, wrist), torch.where(on, axis_ik, bone[..., 0])


def _legs(shape: Shape, motion: Motion, hip: Tensor, pelvis_frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Knees, ankles and hinge axes; `hip` has its height above the ground where the leg is planted."""
    frame = pelvis_frame[:, None].expand(-1, 2, -1, -1)
    side = SIDE.expand_as(motion.knee)
    upper = shape.thigh[:, None].expand_as(side)
    lower = shape.shin[:, None].expand_as(side)
    bone = compose(compose(frame, rotation(2, side * motion.hip_abduct)), rotation(0, -motion.hip_flex))
    bone = compose(bone, rotation(1, side * motion.hip_rotate))
    knee = hip - bone[..., 1] * upper.unsqueeze(-1)
    calf = compose(bone, rotation(0, motion.knee))
    ankle = knee - calf[..., 1] * lower.unsqueeze(-1)
    goal = _plants(shape, motion, hip)
    heading = compose(
        rotation(1, motion.pelvis_yaw[:, None] + side * motion.hip_rotate), torch.eye(3).expand(*side.shape, 3, 3)
    )
    pole = heading[..., 2] + 0.25 * heading[..., 1]
    knee_ik, ankle_ik, bend = _two_bones(hip, goal, pole, upper, lower)
    axis_ik = torch.linalg.cross(bend, unit(ankle_ik - hip))
    on = motion.planted.unsqueeze(-1)
    return torch.where(on, knee_ik, knee), torch.where(on, ankle_ik, ankle), torch.where(on, axis_ik, bone[..., 0])


def _plants(shape: Shape, motion: Motion, hip: Tensor) -> Tensor:
    """Ankle goals (B, 2, 3) on the ground for planted legs."""
    length = (shape.thigh + shape.shin)[:, None]
    side = SIDE.expand_as(motion.knee)
    # A raised heel lifts the ankle about the toe.
    lift = shape.ankle_height[:, None] + 0.55 * shape.foot[:, None] * motion.foot_pitch.clamp(min=0).sin()
    return torch.stack(
        (
            hip[..., 0] + side * motion.plant[..., 0] * length,
            lift.expand_as(side),
            hip[..., 2] + motion.plant[..., 1] * length,
        ),
        -1,
    )


def pose_skeleton(shape: Shape, motion: Motion) -> Skeleton:
    """Pose the bodies; the lowest sole touches the ground."""
    pelvis_frame = compose(
        rotation(1, motion.pelvis_yaw), compose(rotation(2, motion.pelvis_roll), rotation(0, motion.pelvis_pitch))
    )
    bend = compose(
        rotation(1, motion.spine_twist), compose(rotation(2, motion.spine_side), rotation(0, motion.spine_bend))
    )
    half = compose(
        rotation(1, motion.spine_twist / 2),
        compose(rotation(2, motion.spine_side / 2), rotation(0, motion.spine_bend / 2)),
    )
    waist_frame = compose(pelvis_frame, half)
    chest_frame = compose(pelvis_frame, bend)
    look = compose(rotation(1, motion.head_yaw), compose(rotation(2, motion.head_roll), rotation(0, motion.head_pitch)))
    head_frame = compose(chest_frame, look)
    trunk = shape.trunk[:, None]
    up = torch.tensor([0.0, 1.0, 0.0])
    hip_offset = SIDE[None, :, None] * pelvis_frame[:, None, :, 0] * shape.hip_half[:, None, None]
    pelvis = torch.zeros_like(pelvis_frame[..., 0])
    length = shape.thigh + shape.shin
    reach = (0.996 * length[:, None]) ** 2 - (motion.plant * length[:, None, None]).square().sum(-1)
    lift = shape.ankle_height[:, None] + 0.55 * shape.foot[:, None] * motion.foot_pitch.clamp(min=0).sin()
    height = (reach.clamp(min=0.02).sqrt() + lift - hip_offset[..., 1]).amin(-1) * (1 - motion.crouch)
    height = torch.where(motion.seated, 0.27 * shape.stature, height)
    pelvis = pelvis + torch.where(motion.planted.all(-1), height, length + shape.ankle_height)[:, None] * up
    hip = pelvis[:, None] + hip_offset
    knee, ankle, leg_axis = _legs(shape, motion, hip, pelvis_frame)
    lateral = unit(leg_axis * torch.tensor([1.0, 0.0, 1.0]))
    flat = torch.stack((lateral, up.expand_as(lateral), torch.linalg.cross(lateral, up.expand_as(lateral))), -1)
    foot_frame = compose(flat, rotation(0, motion.foot_pitch))
    sole = shape.ankle_height[:, None, None] * foot_frame[..., 1]
    toe = foot_frame[..., 2] * (0.62 * shape.foot)[:, None, None]
    heel = foot_frame[..., 2] * (0.25 * shape.foot)[:, None, None]
    low = torch.stack((ankle - sole + toe, ankle - sole - heel), 1)[..., 1].flatten(1).amin(-1)
    shift = -low[:, None] * up
    pelvis, hip, knee, ankle = pelvis + shift, hip + shift[:, None], knee + shift[:, None], ankle + shift[:, None]
    waist = pelvis + 0.36 * trunk * unit(pelvis_frame[..., 1] + waist_frame[..., 1])
    chest = waist + 0.34 * trunk * unit(waist_frame[..., 1] + chest_frame[..., 1])
    neck = chest + 0.30 * trunk * chest_frame[..., 1]
    shoulder = neck[:, None] + SIDE[None, :, None] * chest_frame[:, None, :, 0] * shape.shoulder_half[:, None, None]
    # Raised arms lift the shoulders.
    raised = (motion.arm_abduct.clamp(0, 2) + motion.arm_flex.clamp(0, 2)) * 0.008
    raised = torch.where(motion.reaching, 0.03 * motion.reach[..., 1].clamp(min=-0.3) + 0.009, raised)
    shoulder = shoulder + (raised * shape.stature[:, None]).unsqueeze(-1) * chest_frame[:, None, :, 1]
    elbow, wrist, arm_axis = _arms(shape, motion, shoulder, chest_frame)
    neck_length = (0.066 * shape.stature - 0.008 * shape.child)[:, None]
    head = neck + neck_length * unit(chest_frame[..., 1] + 0.6 * head_frame[..., 1] + 0.22 * chest_frame[..., 2])
    return Skeleton(
        pelvis=pelvis,
        waist=waist,
        chest=chest,
        neck=neck,
        head=head,
        pelvis_frame=pelvis_frame,
        chest_frame=chest_frame,
        head_frame=head_frame,
        shoulder=shoulder,
        elbow=elbow,
        wrist=wrist,
        arm_axis=arm_axis,
        twist=motion.forearm_twist,
        curl=motion.curl,
        hip=hip,
        knee=knee,
        ankle=ankle,
        leg_axis=leg_axis,
        foot_frame=foot_frame,
        seat_height=torch.where(motion.seated, pelvis[:, 1] - 0.055 * shape.stature, torch.zeros_like(shape.stature)),
    )


def coco_joints(shape: Shape, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
    """The 18 joints (B, 18, 3) in COCO-18 (OpenPose) order and outward directions (B, 18, 3), zero except for face
    points.
    """
    head = shape.head[:, None]

    def on_face(x: float, y: float, z: float) -> Tensor:
        return skeleton.head + turn(skeleton.head_frame, head * torch.tensor([x, y, z]))

    right, left = 0, 1
    joints = torch.stack(
        (
            on_face(0, 0.36, 0.47),
            (skeleton.shoulder[:, 0] + skeleton.shoulder[:, 1]) / 2,
            skeleton.shoulder[:, right],
            skeleton.elbow[:, right],
            skeleton.wrist[:, right],
            skeleton.shoulder[:, left],
            skeleton.elbow[:, left],
            skeleton.wrist[:, left],
            skeleton.hip[:, right],
            skeleton.knee[:, right],
            skeleton.ankle[:, right],
            skeleton.hip[:, left],
            skeleton.knee[:, left],
            skeleton.ankle[:, left],
            on_face(-0.14, 0.50, 0.36),
            on_face(0.14, 0.50, 0.36),
            on_face(-0.34, 0.46, -0.02),
            on_face(0.34, 0.46, -0.02),
        ),
        1,
    )
    outward = torch.zeros(18, 3)
    outward[0] = torch.tensor([0.0, 0.0, 1.0])
    outward[14], outward[15] = torch.tensor([-0.30, 0.0, 0.954]), torch.tensor([0.30, 0.0, 0.954])
    outward[16], outward[17] = torch.tensor([-1.0, 0.0, -0.05]), torch.tensor([1.0, 0.0, -0.05])
    return joints, turn(skeleton.head_frame[:, None], outward)
