"""The camera, the light and the backgrounds of synthetic photos.

Exists to put a rendered person into something that resembles a street, surveillance or studio photo. It does not draw
the person (render.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.clutter import add_clutter, band, dull_colour
from posegan.data.synthetic.draws import Draws, combine, to_unit
from posegan.data.synthetic.kinematics import compose, rotation, unit

_GOLDEN = 0x9E3779B1


@dataclass(frozen=True)
class Camera:
    """A perspective camera per item.

    Rotation (B, 3, 3) of the world, distance in metres, and the fit to the picture in pixels.
    """

    frame: Tensor
    distance: Tensor
    target: Tensor  # (B,) height that the camera looks at, metres
    scale: Tensor
    offset: Tensor  # (B, 2)

    def slice(self, items: slice) -> Camera:
        """The cameras of some items."""
        return Camera(**{name: value[items] for name, value in vars(self).items()})

    def rotate(self, vector: Tensor) -> Tensor:
        """World directions (3, B, N) in camera axes (x right, y up, z towards the camera)."""
        return sf.turn(self.frame, vector)

    def project(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (2, B, N) and depths (B, N) in metres of points (3, B, N).

        Depths are larger farther away, 0 at the person's axis.
        """
        flat, depth = self._flat(points)
        return flat.mul_(self.scale[:, None]).add_(self.offset.t()[..., None]), depth

    def _flat(self, points: Tensor) -> tuple[Tensor, Tensor]:
        local = self.rotate(points) - self.target[:, None] * self.frame[..., 1].t()[..., None]
        shrink = self.distance[:, None] / (self.distance[:, None] - local[2])
        return local[:2] * torch.stack((shrink, -shrink)), -local[2]

    def fit(self, points: Tensor, view: Tensor, size: tuple[int, int], *, together: bool) -> Camera:
        """The camera that frames `points` (3, B, N) as the view seeds ask.

        `together` shares one framing over the batch.
        """
        flat, _ = self._flat(points)
        low, high = flat.amin(2).t(), flat.amax(2).t()
        if together:
            low, high = low.amin(0, keepdim=True).expand_as(low), high.amax(0, keepdim=True).expand_as(high)
        height, width = size
        draw = Draws(view, "framing")
        extent = (high - low).clamp(min=1e-3)
        room = torch.stack((0.94 * width / extent[:, 0], 0.955 * height / extent[:, 1]), -1).amin(-1)
        scale = room * draw.uniform(0.88, 1.0)
        middle = (low + high) / 2
        spare = (torch.tensor([float(width), float(height)]) - extent * scale[:, None]) / 2
        shift = spare * torch.stack((draw.bell(0.30), draw.bell(0.30)), -1)
        # Wide pictures are sometimes close-ups, tall crops sometimes lose the feet, as real detections do.
        near = draw.chance(0.22 if width > 0.6 * height else 0.06) & (not together)
        zoom = torch.where(
            near, draw.uniform(1.25, 1.9) if width > 0.6 * height else draw.uniform(1.1, 1.35), torch.ones_like(scale)
        )
        centre = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        top = low[:, 1] * scale * zoom + shift[:, 1]
        offset = centre - middle * (scale * zoom)[:, None] + shift
        pinned = spare[:, 1].clamp(min=0.02 * height) - top
        offset = torch.stack((offset[:, 0], torch.where(near, pinned, offset[:, 1])), -1)
        return Camera(self.frame, self.distance, self.target, scale * zoom, offset)


def sample_camera(view: Tensor, stature: Tensor) -> Camera:
    """The camera of each view seed (B,) without its fit; consecutive seeds see the person from evenly spread sides."""
    draw = Draws(view, "camera")
    turn_share = ((view * _GOLDEN + 0x6A09E667) & 0xFFFFFFFF).to(torch.float64) / 2.0**32
    yaw = (turn_share * 2 * pi).to(torch.float32)
    pitch = draw.uniform(0.0, 0.10) + torch.where(draw.chance(0.45), draw.uniform(0.0, 0.17), torch.zeros_like(yaw))
    roll = draw.bell(0.012)
    frame = compose(rotation(2, roll), compose(rotation(0, pitch), rotation(1, yaw)))
    zero = torch.zeros_like(yaw)
    return Camera(frame, draw.uniform(3.2, 8.0), 0.52 * stature, zero + 1, torch.stack((zero, zero), -1))


@dataclass(frozen=True)
class Light:
    """Lighting per item: key direction (B, 3) in camera axes, key and ambient strength, sky and bounce tints (B, 3)."""

    direction: Tensor
    key: Tensor
    ambient: Tensor
    sky: Tensor
    bounce: Tensor
    shadow: Tensor  # (B,) darkness of the cast shadow


def sample_light(view: Tensor, background: Tensor) -> Light:
    """Light of the view and background seeds (B,): overcast more often than sun."""
    draw = Draws(view * 7 + background, "light")
    sun = draw.chance(0.35).float()
    azimuth, elevation = draw.uniform(-1.5, 1.5), draw.uniform(0.5, 1.15)
    direction = torch.stack((azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos()), -1)
    warm = draw.bell(0.035)[:, None] * torch.tensor([1.0, 0.1, -1.0])
    return Light(
        unit(direction),
        0.72 + 0.45 * sun,
        0.49 - 0.13 * sun,
        1 + warm + 0.03 * torch.tensor([-0.6, 0.0, 1.0]),
        0.55 - warm + 0.05 * torch.tensor([1.0, 0.4, -0.8]),
        0.22 + 0.33 * sun,
    )


def _cloud(key: Tensor, rows: int, columns: int, size: tuple[int, int]) -> Tensor:
    """Smooth noise (B, H, W) in [-1, 1] from a hashed lattice."""
    lattice = to_unit(combine(key[:, None], torch.arange(rows * columns)[None]))
    grid = lattice.reshape(-1, rows, columns) * 2 - 1
    return _stretch(rows, size[0]) @ grid @ _stretch(columns, size[1]).t()


@lru_cache(maxsize=64)
def _stretch(count: int, length: int) -> Tensor:
    """The matrix (length, count) of bicubic interpolation between the corners of `count` values."""
    return F.interpolate(torch.eye(count)[None, None], size=(length, count), mode="bicubic", align_corners=True)[0, 0]


def render_background(seed: Tensor, size: tuple[int, int]) -> Tensor:
    """Backgrounds (B, 3, H, W) in [0, 1] of the background seeds (B,)."""
    draw = Draws(seed, "background")
    height, width = size
    key = combine(seed, 4242)
    y = torch.linspace(0, 1, height)[None, :, None]
    x = (torch.linspace(-0.5, 0.5, width) * width / height)[None, None, :]
    studio = draw.chance(0.16)
    horizon = torch.where(draw.chance(0.22), draw.uniform(-0.35, 0.0), draw.uniform(0.12, 0.62))[:, None, None]
    soft = draw.uniform(0.006, 0.035)[:, None, None]
    detail = [_cloud(key + 1000 * level, 2 + 5 * 2**level, 2 + 4 * 2**level, size) for level in range(4)]
    ground = _ground(draw, x, y, horizon, detail)
    back = _wall(draw, x, y, detail, soft)
    back = add_clutter(draw, x, y, horizon, back, soft)
    mix = ((y - horizon) / soft + 0.5).clamp(0, 1)[:, None]
    street = torch.lerp(back, ground, mix)
    # A dark or light line where the wall meets the ground: kerb or skirting.
    kerb = band(y - horizon, draw.uniform(0.004, 0.012)[:, None, None], soft * 0.6) * draw.bell(0.25)[:, None, None]
    street = street + kerb[:, None]
    base = torch.where(
        draw.chance(0.6)[:, None],
        torch.full((1, 3), 0.90) + draw.bell(0.03)[:, None],
        dull_colour(draw, 0.35, 0.85, 0.018),
    )
    slope = draw.uniform(-0.10, 0.06)[:, None, None]
    glow = torch.exp(-((x / 0.5) ** 2 + ((y - 0.45) / 0.6) ** 2)) * draw.uniform(0.0, 0.12)[:, None, None]
    plain = base[:, :, None, None] + (slope * (y - 0.5) + glow)[:, None]
    return torch.where(studio[:, None, None, None], plain, street).clamp(0.02, 0.98)


def _ground(draw: Draws, x: Tensor, y: Tensor, horizon: Tensor, detail: list[Tensor]) -> Tensor:
    """Asphalt, pavement, tiles or grass, seen in perspective."""
    stone = dull_colour(draw, 0.36, 0.70, 0.018)
    brick = torch.tensor([0.56, 0.45, 0.40]) * (1 + draw.bell(0.12)[:, None])
    grass = torch.tensor([0.33, 0.39, 0.21]) * (1 + draw.bell(0.13)[:, None])
    kind = draw.choice((0.34, 0.30, 0.14, 0.22))
    base = torch.where((kind == 2)[:, None], brick, torch.where((kind == 3)[:, None], grass, stone))
    depth = 1.0 / ((y - horizon).clamp(min=0.02) + 0.12)
    tile = draw.uniform(0.14, 0.34)[:, None, None] * torch.where(kind == 2, 0.55, 1.0)[:, None, None]
    turn_angle = draw.uniform(-0.7, 0.7)[:, None, None]
    u, v = (x + draw.uniform()[:, None, None]) * depth, depth * 1.3
    p, q = (u * turn_angle.cos() - v * turn_angle.sin()) / tile, (u * turn_angle.sin() + v * turn_angle.cos()) / tile
    blur = (0.02 * depth / tile).clamp(min=0.04)
    q_line = (q.remainder(1.0) - 0.5).abs()
    p_line = ((p + 0.5 * q.floor() * (kind == 2)[:, None, None]).remainder(1.0) - 0.5).abs()
    joint = torch.maximum(
        band(0.5 - q_line, torch.full_like(q_line, 0.035), blur),
        band(0.5 - p_line, torch.full_like(p_line, 0.035), blur),
    )
    tiled = ((kind == 1) | (kind == 2)).float()[:, None, None]
    rough = torch.where(kind == 3, 0.10, 0.028)[:, None, None]
    speckle = detail[3] * rough + detail[2] * rough * 0.7 + detail[0] * 0.035
    fade = draw.uniform(-0.12, 0.10)[:, None, None] * (y - 0.7)
    shade = 1 + speckle - tiled * joint * draw.uniform(0.06, 0.22)[:, None, None] + fade
    return base[:, :, None, None] * shade[:, None]


def _wall(draw: Draws, x: Tensor, y: Tensor, detail: list[Tensor], soft: Tensor) -> Tensor:
    """Plain wall, panels or bricks, hedge or trees, or a bright blurred street."""
    kind = draw.choice((0.28, 0.26, 0.24, 0.22))
    plain = dull_colour(draw, 0.22, 0.85, 0.03)
    hedge = torch.tensor([0.24, 0.32, 0.18]) * (1 + draw.bell(0.25)[:, None])
    base = torch.where((kind == 2)[:, None], hedge, plain)
    pitch_x, pitch_y = draw.uniform(0.10, 0.4)[:, None, None], draw.uniform(0.05, 0.35)[:, None, None]
    p, q = (x + draw.uniform()[:, None, None]) / pitch_x, (y + draw.uniform()[:, None, None]) / pitch_y
    panel = torch.maximum(band((p.remainder(1.0) - 0.5), torch.full_like(p, 0.32), soft / pitch_x), torch.zeros_like(p))
    window = panel * band(q.remainder(1.0) - 0.5, torch.full_like(q, 0.34), soft / pitch_y)
    panels = (kind == 1).float()[:, None, None] * window * draw.bell(0.16)[:, None, None]
    leaves = (kind == 2).float()[:, None, None] * (detail[2] * 0.16 + detail[3] * 0.14 + detail[1] * 0.14)
    blobs = (kind == 3).float()[:, None, None] * (detail[0] * 0.16 + detail[1] * 0.12)
    slope = draw.bell(0.10)[:, None, None] * (y - 0.3) + draw.bell(0.10)[:, None, None] * x
    colour = base[:, :, None, None] * (1 + leaves + slope + detail[1] * 0.02)[:, None] + (panels + blobs)[:, None]
    tint = (kind == 3).float()[:, None, None, None] * torch.stack((detail[0], -0.3 * detail[1], -detail[0]), 1) * 0.05
    return colour + tint
