"""Crops to train the detector on: an example turned, moved, resized, mirrored, recoloured, blurred and half hidden.

Most crops hold the whole person about as the detector is shown people in the end. The wild ones are cut anywhere and at
any size, so that the network learns what it looks like when a crop holds half a person, or nobody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pictures import Examples
from torch import Tensor

from posegan.detect.crop_network import CROP
from posegan.pose import COCO18, Pose


@dataclass(frozen=True)
class AugmentSettings:
    """How far crops differ from their examples."""

    zoom: float = 0.28
    """Largest change of size, as a logarithm."""
    shift: float = 0.09
    """Largest shift, as a share of the crop's sides."""
    turn: float = 7.0
    """Standard deviation of the angle in degrees."""
    wild: float = 0.15
    """Share of crops cut anywhere at any size."""
    nobody: float = 0.18
    """Share of crops in which nobody is any more: jumbled, or a place without people."""
    hidden: float = 0.25
    """Share of crops of which a rectangle is covered."""
    blurred: float = 0.3
    """Share of crops made of fewer pixels."""


@dataclass(frozen=True)
class Crops:
    """image: (B, 3, 128, 64) in [-1, 1]. xy: (B, 18, 2) in its pixels. inside: (B, 18), joints known to be there.

    seen: (B, 18), those of them that nothing covers.
    """

    image: Tensor
    xy: Tensor
    inside: Tensor
    seen: Tensor


def cut(
    examples: Examples,
    rows: Tensor,
    places: Tensor,
    settings: AugmentSettings,
    generator: torch.Generator,
    around_pose: bool,
) -> Crops:
    """Return crops of the examples `rows` (B,); what lies outside an example is filled with places or its own edge.

    around_pose: the crop is put around the person; else it is put over the whole example, a crop already.
    """
    draw = Draw(generator, len(rows))
    photo, pose = examples.photos[rows].float().div_(127.5).sub_(1), examples.pose[rows]
    centre, height = _framing(examples, pose, around_pose)
    zoom = draw.between(-settings.zoom, settings.zoom).exp()
    shift = torch.stack([draw.between(-1, 1), draw.between(-1, 1)], 1) * settings.shift
    wild = draw.chance(settings.wild)
    zoom = torch.where(wild, draw.between(-1.3, 0.8).exp(), zoom)
    anywhere = torch.stack([draw.between(-0.8, 0.8), draw.between(-0.6, 0.6)], 1)
    shift = torch.where(wild[:, None], anywhere, shift) * torch.tensor([0.5, 1.0])
    scale = height * zoom / CROP[0]  # pixels of the example for one of the crop
    centre = centre + shift * (height * torch.where(wild, 1.0, zoom))[:, None]
    angle = draw.normal() * math.radians(settings.turn)
    mirrored = draw.chance(0.5)
    turn = _turn(angle, scale)
    turn[:, :, 0] *= torch.where(mirrored, -1.0, 1.0)[:, None]
    middle = torch.tensor([(CROP[1] - 1) / 2, (CROP[0] - 1) / 2])
    chosen = places[draw.integers(len(places))].float().div_(127.5).sub_(1)
    behind = F.interpolate(chosen, CROP, mode="bilinear", antialias=True)
    image = _sample(photo, turn, centre, middle, behind, draw.chance(0.5))

    xy = torch.linalg.solve(turn[:, None], (pose.xy - centre[:, None])[..., None])[..., 0] + middle
    visible = pose.visible
    order = torch.where(mirrored[:, None], torch.tensor(COCO18.flip), torch.arange(len(COCO18)))
    xy = xy.gather(1, order[..., None].expand(-1, -1, 2))
    inside = Pose(xy, visible.gather(1, order)).inside(CROP).visible
    image, covered = _cover(image, xy, draw, settings.hidden)
    nobody, plain = draw.chance(settings.nobody), draw.chance(0.3)
    image[nobody & plain] = behind[nobody & plain]
    jumbled = nobody & ~plain
    if jumbled.any():
        image[jumbled] = _jumbled(image[jumbled], generator)
    image = _blur(_recolour(image, draw), draw, settings.blurred)
    inside = inside & ~nobody[:, None]
    return Crops(image.clamp_(-1, 1), xy, inside, inside & ~covered)


class Draw:
    """Random numbers for B crops."""

    def __init__(self, generator: torch.Generator, count: int) -> None:
        self.generator, self.count = generator, count

    def between(self, low: float, high: float) -> Tensor:
        """(B,) numbers, evenly spread."""
        return low + (high - low) * torch.rand(self.count, generator=self.generator)

    def normal(self) -> Tensor:
        """(B,) numbers of mean 0 and standard deviation 1."""
        return torch.randn(self.count, generator=self.generator)

    def chance(self, share: float) -> Tensor:
        """(B,) bool, True with that probability."""
        return torch.rand(self.count, generator=self.generator) < share

    def integers(self, end: int) -> Tensor:
        """(B,) whole numbers from 0 to below `end`."""
        return torch.randint(end, (self.count,), generator=self.generator)


def _framing(examples: Examples, pose: Pose, around_pose: bool) -> tuple[Tensor, Tensor]:
    """Return the centre (B, 2) and height (B,) in pixels of the crops before they are moved and resized."""
    rows, columns = examples.size
    whole = torch.tensor([(columns - 1) / 2, (rows - 1) / 2]).expand(len(pose), 2)
    if not around_pose:
        return whole, torch.full((len(pose),), float(rows))
    seen = pose.visible[..., None]
    low = torch.where(seen, pose.xy, torch.inf).amin(1)
    high = torch.where(seen, pose.xy, -torch.inf).amax(1)
    extent = torch.maximum((high - low)[:, 1], 1.6 * (high - low)[:, 0])
    return (low + high) / 2, 1.22 * extent + 4


def _turn(angle: Tensor, scale: Tensor) -> Tensor:
    """Return the matrices (B, 2, 2) that turn by an angle and scale."""
    cos, sin = angle.cos() * scale, angle.sin() * scale
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)


def _sample(photo: Tensor, turn: Tensor, centre: Tensor, middle: Tensor, behind: Tensor, edge: Tensor) -> Tensor:
    """Return the crops (B, 3, 128, 64); edge: (B,) whether a photo's edge goes on outside it; else `behind` is."""
    rows, columns = torch.arange(CROP[0]), torch.arange(CROP[1])
    pixel = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1) - middle  # (128, 64, 2)
    where = torch.einsum("bij,yxj->byxi", turn, pixel) + centre[:, None, None]
    size = torch.tensor([photo.shape[-1], photo.shape[-2]])
    grid = (2 * where + 1) / size - 1
    crop = F.grid_sample(photo, grid, padding_mode="border", align_corners=False)
    outside = (grid.abs() > 1).any(-1)[:, None] & ~edge[:, None, None, None]
    return torch.where(outside, behind, crop)


def _jumbled(image: Tensor, generator: torch.Generator) -> Tensor:
    """Return crops whose squares of 16 or 32 pixels have changed places: people's colours, but no people."""
    side = 16 if torch.rand((), generator=generator) < 0.5 else 32
    squares = F.unfold(image, side, stride=side)  # (n, 3 side side, N)
    order = torch.rand(len(image), squares.shape[-1], generator=generator).argsort(1)
    return F.fold(squares.gather(2, order[:, None].expand_as(squares)), CROP, side, stride=side)


def _cover(image: Tensor, xy: Tensor, draw: Draw, share: float) -> tuple[Tensor, Tensor]:
    """Cover a rectangle with a colour or a part of another crop; return the crops and the covered joints (B, 18)."""
    height, width = CROP
    size = torch.stack([draw.between(0.15, 0.7) * width, draw.between(0.1, 0.35) * height], -1)
    first = torch.stack([draw.between(-0.2, 1), draw.between(-0.05, 1)], -1) * torch.tensor([width, height]).float()
    last = first + size * draw.chance(share)[:, None]
    x, y = torch.arange(width), torch.arange(height)
    across = (x >= first[:, :1]) & (x < last[:, :1])
    down = (y >= first[:, 1:]) & (y < last[:, 1:])
    rectangle = (down[:, :, None] & across[:, None, :])[:, None]
    plain = torch.stack([draw.between(-1, 1) for _ in range(3)], 1)[:, :, None, None]
    lid = torch.where(draw.chance(0.5)[:, None, None, None], plain, image.roll(1, 0))
    covered = ((xy >= first[:, None]) & (xy < last[:, None])).all(-1)
    return torch.where(rectangle, lid, image), covered


def _recolour(image: Tensor, draw: Draw) -> Tensor:
    """Change exposure, contrast, white balance and saturation."""

    def wide(value: Tensor) -> Tensor:
        return value[:, None, None, None]

    grey = image.mean(1, keepdim=True)
    image = grey + (image - grey) * wide(torch.where(draw.chance(0.05), 0.0, draw.between(0.5, 1.4)))
    mean = image.mean((1, 2, 3), keepdim=True)
    image = mean + (image - mean) * wide(draw.between(0.6, 1.5)) + wide(draw.normal() * 0.15)
    balance = 1 + 0.07 * torch.stack([draw.normal() for _ in range(3)], 1)
    image = ((image + 1) * balance[:, :, None, None]).clamp(min=0) / 2
    return 2 * image.pow(wide(draw.between(-0.35, 0.35).exp())) - 1


def _blur(image: Tensor, draw: Draw, share: float) -> Tensor:
    """Show some of the crops with fewer pixels, by one of three factors, and add noise."""
    chosen, which = draw.chance(share), draw.integers(3)
    for number, factor in enumerate((1.5, 2.0, 3.0)):
        rows = chosen & (which == number)
        if rows.any():
            small = F.interpolate(image[rows], scale_factor=1 / factor, mode="bilinear", antialias=True)
            image[rows] = F.interpolate(small, CROP, mode="bilinear")
    noise = torch.randn(image.shape, generator=draw.generator) * (draw.between(0, 0.08))[:, None, None, None]
    return image + noise
