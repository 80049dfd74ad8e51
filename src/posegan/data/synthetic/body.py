"""Body shapes with bone lengths, and the description of a pose.

Exists as the common language of motion.py, kinematics.py and figure.py. It computes no positions and draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic.draws import Draws

SIDE = torch.tensor([-1.0, 1.0])  # sign of x for the right and the left side


@dataclass(frozen=True)
class Shape:
    """Body shape, each field (B,) float32, and bone lengths in metres."""

    stature: Tensor
    female: Tensor  # 0 male .. 1 female
    weight: Tensor  # -1 thin .. 0 average .. 1.5 heavy
    child: Tensor  # 0 adult .. 1 small child
    hip_height: Tensor
    hip_half: Tensor
    thigh: Tensor
    shin: Tensor
    ankle_height: Tensor
    foot: Tensor
    trunk: Tensor  # hip joint line to shoulder joint line
    shoulder_half: Tensor
    upper_arm: Tensor
    forearm: Tensor
    hand: Tensor
    head: Tensor  # chin to crown


def sample_shape(seed: Tensor) -> Shape:
    """Draw the body shape of each identity seed (B,)."""
    draw = Draws(seed, "shape")
    female = torch.where(draw.chance(0.5), draw.uniform(0.8, 1.0), draw.uniform(0.0, 0.15))
    child = torch.where(draw.chance(0.08), draw.uniform(0.35, 1.0), torch.zeros_like(female))
    weight = torch.where(draw.chance(0.2), draw.uniform(0.5, 1.5), draw.bell(0.42))
    weight = weight.clamp(-1.0, 1.5) * (1 - 0.5 * child)
    adult = 1.755 - 0.125 * female + draw.bell(0.065)
    stature = adult * (1 - child) + (1.12 + draw.bell(0.04)) * child
    female = torch.where(child > 0, female * 0.5 + 0.1, female)
    leg = 0.520 * (1 + draw.bell(0.018)) - 0.045 * child
    hip_height = leg * stature
    ankle = 0.043 * stature
    knee = 0.276 * stature * (leg / 0.520)
    trunk = (0.288 - 0.004 * female + 0.005 * child) * stature
    arm = 1 + draw.bell(0.025)
    return Shape(
        stature=stature,
        female=female,
        weight=weight,
        child=child,
        hip_height=hip_height,
        hip_half=(0.050 + 0.003 * female) * stature,
        thigh=hip_height - knee,
        shin=knee - ankle,
        ankle_height=ankle,
        foot=0.150 * stature,
        trunk=trunk,
        shoulder_half=(0.1075 - 0.0125 * female + 0.004 * weight.clamp(min=-0.5) - 0.006 * child + draw.bell(0.003))
        * stature,
        upper_arm=0.170 * stature * arm,
        forearm=0.148 * stature * arm,
        hand=0.106 * stature,
        head=torch.lerp(0.232 - 0.011 * female, torch.full_like(stature, 0.208), child) * (1 + draw.bell(0.02)),
    )


@dataclass(frozen=True)
class Motion:
    """A body pose before it meets a body: angles in radians, (B,) for the trunk and (B, 2) for the sides (right, left).

    An arm follows its angles, or reaches for a wrist point where `reaching`; a leg follows its angles, or stands on a
    planted ankle where `planted`. Points are in units of the arm or leg length and mirrored: +x points away from the
    body on both sides.
    """

    pelvis_pitch: Tensor
    pelvis_roll: Tensor
    pelvis_yaw: Tensor
    spine_bend: Tensor
    spine_side: Tensor
    spine_twist: Tensor
    head_yaw: Tensor
    head_pitch: Tensor
    head_roll: Tensor
    arm_flex: Tensor
    arm_abduct: Tensor
    arm_rotate: Tensor
    elbow: Tensor
    forearm_twist: Tensor
    reaching: Tensor  # bool
    reach: Tensor  # (B, 2, 3) wrist from the shoulder, chest frame
    elbow_pole: Tensor  # (B, 2, 3) direction in which the elbow points
    curl: Tensor  # finger flexion
    hip_flex: Tensor
    hip_abduct: Tensor
    hip_rotate: Tensor
    knee: Tensor
    foot_pitch: Tensor  # toes down is positive, against the ground
    planted: Tensor  # bool
    plant: Tensor  # (B, 2, 2) ankle x and z from the hip
    crouch: Tensor  # (B,) 0 stands up .. 1 squats
    seated: Tensor  # (B,) bool
