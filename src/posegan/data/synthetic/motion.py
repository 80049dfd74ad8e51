"""Pose sampling for synthetic people: walking, running, standing, sitting, reaching, dancing, within joint limits.

Exists to make `Motion` values that look like what people in street and studio photos do. It does not know bone
lengths (body.py) and does not turn the person towards the camera (scene.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from posegan.data.synthetic.body import Motion
from posegan.data.synthetic.draws import Draws

STAND, WALK, RUN, SIT, DANCE = range(5)
_STANCE_WEIGHTS = (0.42, 0.36, 0.04, 0.08, 0.10)

_HANG, _SWING, _POCKET, _HIP, _PHONE, _EAR, _STRAP, _WAVE, _POINT, _SIDE, _BEHIND, _CROSS, _LAP, _UP = range(14)
# How often each arm gesture occurs with each stance, in the order of the gestures above.
_GESTURE_WEIGHTS = torch.tensor(
    [
        [34, 0, 9, 8, 8, 4, 5, 3, 4, 3, 3, 5, 0, 2],
        [8, 62, 5, 0, 7, 4, 8, 2, 2, 0, 0, 1, 0, 0],
        [0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [6, 0, 0, 2, 12, 4, 0, 4, 4, 0, 0, 12, 50, 1],
        [6, 0, 0, 10, 0, 0, 0, 16, 16, 26, 4, 4, 0, 18],
    ],
    dtype=torch.float32,
)
# Wrist points from the shoulder in arm lengths (x outwards, y up, z forward), their spread, and the direction of the
# elbow.
_REACHES = {
    _POCKET: ((0.14, -0.86, 0.10), 0.03, (0.8, 0.0, -1.0)),
    _HIP: ((0.02, -0.66, 0.14), 0.02, (1.0, -0.1, -0.45)),
    _PHONE: ((-0.20, -0.32, 0.52), 0.08, (0.5, -1.0, 0.0)),
    _EAR: ((0.02, 0.26, 0.22), 0.03, (0.7, -1.0, 0.3)),
    _STRAP: ((-0.12, -0.10, 0.28), 0.04, (0.8, -1.0, -0.1)),
    _WAVE: ((0.30, 0.48, 0.20), 0.12, (1.0, -0.5, -0.2)),
    _POINT: ((0.02, -0.02, 0.86), 0.14, (0.4, -1.0, 0.0)),
    _SIDE: ((0.86, 0.05, 0.12), 0.16, (0.1, -1.0, -0.5)),
    _BEHIND: ((-0.16, -0.68, -0.34), 0.04, (1.0, 0.0, -0.7)),
    _CROSS: ((-0.46, -0.34, 0.40), 0.03, (0.7, -1.0, 0.1)),
    _LAP: ((-0.08, -0.60, 0.52), 0.08, (0.7, -0.6, -0.6)),
    _UP: ((0.06, 0.86, 0.08), 0.14, (1.0, 0.2, 0.3)),
}
JOINT_LIMITS = {
    "spine_bend": (-0.35, 0.9),
    "spine_side": (-0.4, 0.4),
    "spine_twist": (-0.7, 0.7),
    "head_yaw": (-1.1, 1.1),
    "head_pitch": (-0.6, 0.7),
    "head_roll": (-0.45, 0.45),
    "arm_flex": (-0.9, 3.0),
    "arm_abduct": (0.06, 2.6),
    "arm_rotate": (-0.8, 1.3),
    "elbow": (0.05, 2.5),
    "hip_flex": (-0.45, 1.9),
    "hip_abduct": (-0.12, 0.9),
    "hip_rotate": (-0.4, 0.8),
    "knee": (0.03, 2.4),
    "foot_pitch": (-0.45, 1.2),
}


@dataclass(frozen=True)
class _Gait:
    hip: Tensor
    knee: Tensor
    foot_pitch: Tensor


def _bump(phase: Tensor, centre: float, width: float) -> Tensor:
    """A periodic bell over the gait cycle."""
    distance = (phase - centre + 0.5).remainder(1.0) - 0.5
    return torch.exp(-((distance / width) ** 2))


def _walking(phase: Tensor, stride: Tensor) -> _Gait:
    """Sagittal joint angles of a gait cycle; phase 0 is the heel strike, 0.6 the toe-off.

    Curves fitted by eye to gait tables.
    """
    hip = 0.10 + 0.42 * stride * torch.cos(2 * pi * (phase + 0.03)) + 0.06 * stride * torch.cos(4 * pi * (phase - 0.15))
    knee = 0.07 + 0.26 * _bump(phase, 0.14, 0.09) + (0.70 + 0.35 * stride) * _bump(phase, 0.725, 0.115)
    pitch = (
        -0.28 * stride * _bump(phase, 0.99, 0.055)
        + 0.72 * stride * _bump(phase, 0.60, 0.10)
        + 0.28 * _bump(phase, 0.72, 0.10)
    )
    return _Gait(hip, knee, pitch)


def _running(phase: Tensor) -> _Gait:
    hip = 0.35 + 0.62 * torch.cos(2 * pi * (phase + 0.02))
    knee = 0.35 + 0.25 * _bump(phase, 0.13, 0.1) + 1.35 * _bump(phase, 0.64, 0.17)
    pitch = 0.95 * _bump(phase, 0.46, 0.13) + 0.7 * _bump(phase, 0.66, 0.14)
    return _Gait(hip, knee, pitch)


def _clamp(name: str, value: Tensor) -> Tensor:
    low, high = JOINT_LIMITS[name]
    return value.clamp(low, high)


def _reach_table() -> tuple[Tensor, Tensor, Tensor]:
    count = len(_GESTURE_WEIGHTS[0])
    points, spread, poles = torch.zeros(count, 3), torch.zeros(count), torch.ones(count, 3)
    for gesture, (point, width, pole) in _REACHES.items():
        points[gesture], spread[gesture], poles[gesture] = torch.tensor(point), width, torch.tensor(pole)
    return points, spread, poles


def _pair(draw: Draws, low: float, high: float) -> Tensor:
    return torch.stack((draw.uniform(low, high), draw.uniform(low, high)), -1)


def sample_motion(seed: Tensor, *, phase: Tensor | None = None) -> Motion:
    """Draw a pose for each seed (B,).

    With a walk `phase` (B,) in cycles, everyone walks and only the phase differs per item.
    """
    draw = Draws(seed, "motion")
    # Consecutive seeds cover the stances evenly: a golden-ratio sequence, not independent draws.
    even = ((seed * 0x9E3779B1) & 0xFFFFFFFF).to(torch.float64) / 2.0**32
    edges = torch.tensor(_STANCE_WEIGHTS, dtype=torch.float64).cumsum(0)
    stance = (even[:, None] >= edges).sum(-1).clamp(max=DANCE)
    start = draw.uniform()
    if phase is not None:
        stance = torch.full_like(stance, WALK)
        start = phase.to(torch.float32)
    walks, runs, sits, dances = (stance == kind for kind in (WALK, RUN, SIT, DANCE))
    moves = walks | runs
    gesture = torch.stack([draw.choice(_GESTURE_WEIGHTS[stance]) for _ in range(2)], -1)
    # Some gestures come in pairs: both hands in the pockets, crossed, on the hips, behind, raised.
    paired = draw.chance(0.55)
    for kind in (_POCKET, _HIP, _BEHIND, _CROSS, _UP, _LAP, _SIDE):
        both = (gesture == kind).any(-1) & (paired | (kind in (_CROSS, _BEHIND)))
        gesture = torch.where(both[:, None], torch.full_like(gesture, kind), gesture)
    cycle = (start[:, None] + torch.tensor([0.0, 0.5])).remainder(1.0)
    stride = draw.uniform(0.6, 1.05)[:, None]
    walk, run = _walking(cycle, stride), _running(cycle)
    arms = _arm_angles(draw, gesture, cycle, walks, runs)
    points, spread, poles = _reach_table()
    jitter = torch.stack([_pair(draw, -1.0, 1.0) for _ in range(3)], -1) * spread[gesture].unsqueeze(-1)
    zero = torch.zeros_like(start)
    small = draw.bell(0.035)
    sway = draw.bell(0.07) * ~moves
    twist = -0.16 * torch.cos(2 * pi * (start + 0.03)) * stride[:, 0] * (1 + runs.float())
    rock = 0.05 * torch.sin(2 * pi * (start - 0.05))
    lean = draw.bell(0.05)
    phone = (gesture == _PHONE).any(-1)
    look = torch.where(draw.chance(0.3), draw.bell(0.42), draw.bell(0.12))
    seat_bend = torch.where(draw.chance(0.5), draw.uniform(0.0, 0.15), draw.uniform(0.15, 0.45))
    return Motion(
        pelvis_pitch=torch.where(sits, draw.uniform(-0.25, 0.0), torch.where(runs, zero + 0.14, 0.02 + lean * 0.5)),
        pelvis_roll=torch.where(moves, rock, sway + dances * draw.bell(0.12)),
        pelvis_yaw=torch.where(moves, -twist * 0.45, small),
        spine_bend=_clamp(
            "spine_bend", torch.where(sits, seat_bend, 0.03 + lean + dances * draw.bell(0.10) + 0.05 * phone)
        ),
        spine_side=_clamp("spine_side", torch.where(moves, -rock * 0.9, -sway * 1.1 + dances * draw.bell(0.14))),
        spine_twist=_clamp("spine_twist", torch.where(moves, twist, draw.bell(0.07) + dances * draw.bell(0.2))),
        head_yaw=_clamp("head_yaw", torch.where(moves, -twist * 0.6, zero) + look * ~phone),
        head_pitch=_clamp("head_pitch", draw.bell(0.09) + 0.38 * phone - 0.02 - seat_bend * 0.5 * sits),
        head_roll=_clamp("head_roll", draw.bell(0.05)),
        arm_flex=arms[0],
        arm_abduct=arms[1],
        arm_rotate=arms[2],
        elbow=arms[3],
        forearm_twist=torch.where(gesture == _SWING, zero[:, None], _pair(draw, -0.2, 0.5)),
        reaching=(gesture != _HANG) & (gesture != _SWING),
        reach=points[gesture] + jitter,
        elbow_pole=poles[gesture],
        curl=torch.where(
            runs[:, None] | (gesture == _STRAP) | (gesture == _PHONE), _pair(draw, 0.8, 1.3), _pair(draw, 0.2, 0.7)
        ),
        **_leg_fields(draw, stance, walk, run),
        crouch=draw.uniform(0.0, 0.012) + dances * draw.uniform(0.0, 0.06),
        seated=sits,
    )


def _arm_angles(
    draw: Draws, gesture: Tensor, cycle: Tensor, walks: Tensor, runs: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Flexion, abduction, rotation and elbow (B, 2) of arms that hang or swing against the leg of the same side."""
    swings = gesture == _SWING
    running = runs[:, None]
    amount = draw.uniform(0.25, 0.6)[:, None]
    wave = -torch.cos(2 * pi * (cycle + 0.03))
    swing = torch.where(running, 0.75 * wave - 0.12, amount * (wave + 0.15))
    bent = torch.where(running, 1.55 + 0.2 * wave, 0.22 + 0.45 * amount * (wave + 1.0))
    flex = torch.where(swings, swing, _pair(draw, -0.12, 0.16))
    abduct = torch.where(swings, _pair(draw, 0.10, 0.17), _pair(draw, 0.10, 0.24))
    rotate = torch.where(swings, _pair(draw, 0.1, 0.3), _pair(draw, 0.0, 0.4))
    elbow = torch.where(swings, bent, _pair(draw, 0.10, 0.42))
    return _clamp("arm_flex", flex), _clamp("arm_abduct", abduct), _clamp("arm_rotate", rotate), _clamp("elbow", elbow)


def _leg_fields(draw: Draws, stance: Tensor, walk: _Gait, run: _Gait) -> dict[str, Tensor]:
    """The leg fields of `Motion`: walkers and runners follow their gait, the others stand or sit on planted feet."""
    walks, runs, sits, dances = ((stance == kind)[:, None] for kind in (WALK, RUN, SIT, DANCE))
    width = torch.where(dances, _pair(draw, 0.05, 0.32), _pair(draw, 0.0, 0.075))
    step = torch.where(dances, _pair(draw, -0.22, 0.30), _pair(draw, -0.06, 0.09))
    cross = draw.chance(0.25)[:, None]
    seat_x = torch.where(cross, _pair(draw, -0.05, 0.02), _pair(draw, 0.0, 0.14))
    plant = torch.stack((torch.where(sits, seat_x, width), torch.where(sits, _pair(draw, 0.44, 0.62), step)), -1)
    kick = dances & torch.stack((draw.chance(0.3), draw.chance(0.0)), -1)
    free_heel = torch.where(dances, _pair(draw, -0.2, 0.6), _pair(draw, -0.4, 0.15)).clamp(min=0.0)
    return {
        "hip_flex": _clamp("hip_flex", torch.where(runs, run.hip, torch.where(walks, walk.hip, _pair(draw, 0.3, 1.3)))),
        "hip_abduct": _clamp("hip_abduct", torch.where(walks | runs, _pair(draw, -0.03, 0.03), _pair(draw, 0.0, 0.5))),
        "hip_rotate": _clamp("hip_rotate", torch.where(walks | runs, _pair(draw, 0.0, 0.14), _pair(draw, 0.02, 0.38))),
        "knee": _clamp("knee", torch.where(runs, run.knee, torch.where(walks, walk.knee, _pair(draw, 0.4, 1.7)))),
        "foot_pitch": _clamp(
            "foot_pitch", torch.where(runs, run.foot_pitch, torch.where(walks, walk.foot_pitch, free_heel))
        ),
        "planted": ~(walks | runs | kick),
        "plant": plant,
    }
