"""Poses as pictures for people to look at: coloured skeletons, smooth at any size. No model sees these."""

from __future__ import annotations

import colorsys

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from posegan.images import to_bytes, to_pil
from posegan.pose.pose import Pose, Size
from posegan.pose.skeleton import COCO18

OVERSAMPLING = 4  # drawn this much larger, then shrunk: Pillow's own lines have hard edges

Colour = tuple[int, int, int]


def _colours() -> tuple[Colour, ...]:
    """Return one colour an edge: warm for the right side, cool for the left, grey for what has no side."""
    hues = {"right": (0.92, 1.14), "left": (0.40, 0.66)}  # pink over red to yellow; green over cyan to blue
    edges = [_side(edge) for edge in COCO18.edges]
    colours: list[Colour] = []
    for i, side in enumerate(edges):
        if side is None:
            colours.append((225, 225, 225))
            continue
        first, last = hues[side]
        place = edges[:i].count(side) / (edges.count(side) - 1)
        red, green, blue = colorsys.hsv_to_rgb((first + place * (last - first)) % 1, 0.85, 1.0)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colours)


def _side(edge: tuple[int, int]) -> str | None:
    for joint in edge:
        side, _, rest = COCO18.joints[joint].partition("_")
        if rest:
            return side
    return None


EDGE_COLOURS = _colours()


def draw_pose(pose: Pose, size: Size, background: Tensor | None = None, thickness: float | None = None) -> Tensor:
    """Return a picture of one pose as (3, H, W) uint8: limbs in one colour each, warm right, cool left, joints white.

    background: (3, H, W) uint8 or float in [-1, 1] to draw on; black if None.
    thickness: of the limbs in pixels; a share of the picture's size if None.
    Raises ValueError if the pose is a batch or the background has another size.
    """
    if pose.batch_shape:
        raise ValueError(f"draw_pose takes one pose, got batch shape {tuple(pose.batch_shape)}: use draw_poses")
    height, width = size
    if background is None:
        background = torch.zeros(3, height, width, dtype=torch.uint8)
    if background.shape != (3, height, width):
        raise ValueError(f"the background should be {(3, height, width)}, got {tuple(background.shape)}")
    thickness = max(1.0, (height * width) ** 0.5 / 45) if thickness is None else thickness
    layer = _skeleton(pose, size, thickness)
    picture = to_pil(to_bytes(background.detach().cpu()))
    picture.paste(layer, (0, 0), layer)
    return torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).reshape(height, width, 3).permute(2, 0, 1)


def draw_poses(poses: Pose, size: Size, background: Tensor | None = None, thickness: float | None = None) -> Tensor:
    """Return pictures (B, 3, H, W) uint8 of a batch of poses, see `draw_pose`; background: (B, 3, H, W) or None."""
    pictures = [
        draw_pose(poses[i], size, None if background is None else background[i], thickness) for i in range(len(poses))
    ]
    return torch.stack(pictures) if pictures else torch.zeros(0, 3, *size, dtype=torch.uint8)


def _skeleton(pose: Pose, size: Size, thickness: float) -> Image.Image:
    """Return the skeleton on a transparent picture of `size`."""
    height, width = size
    layer = Image.new("RGBA", (width * OVERSAMPLING, height * OVERSAMPLING))
    draw = ImageDraw.Draw(layer)
    points = ((pose.xy.detach().cpu() + 0.5) * OVERSAMPLING - 0.5).tolist()
    visible = pose.visible.tolist()
    line, dot = thickness * OVERSAMPLING, 0.55 * thickness * OVERSAMPLING
    for (start, end), colour in zip(COCO18.edges, EDGE_COLOURS, strict=True):
        if visible[start] and visible[end]:
            draw.line([*points[start], *points[end]], fill=(*colour, 255), width=max(1, round(line)))
    for (x, y), there in zip(points, visible, strict=True):
        if there:
            draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=(255, 255, 255, 255))
    return layer.reduce(OVERSAMPLING)
