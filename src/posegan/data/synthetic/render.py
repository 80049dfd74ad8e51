"""From seeds to pixels: rasterises the posed, dressed figure and shades it into its background.

Exists as the one place where geometry, materials, light and scene meet. It knows no data-set indices (people.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic import albedo, raster, scene, sensor, shading, truth
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.dressed import Figure
from posegan.data.synthetic.raster import SUPERSAMPLE

_DEPTH_SPAN = (-2.5, 2.5)
_HIP_LIFT = 0.035  # metres


@dataclass(frozen=True)
class Rendering:
    """Pictures and truth of one chunk; see `SyntheticSample`."""

    image: Tensor
    xy: Tensor
    visible: Tensor
    occluded: Tensor
    mask: Tensor
    surface: Tensor | None


def frame_camera(person: Figure, view: Tensor, size: tuple[int, int], *, together: bool) -> scene.Camera:
    """The camera of each view, fitted around the person."""
    camera = scene.sample_camera(view, person.stature[:1].expand_as(person.stature) if together else person.stature)
    points = torch.where(person.shown, person.points, sf.lead(person.joints[:, 1])[..., None])
    return camera.fit(points, view, size, together=together)


def render_figure(
    person: Figure, camera: scene.Camera, view: Tensor, background: Tensor, size: tuple[int, int], surface: bool
) -> Rendering:
    """Rasterise, shade, composite and develop one chunk."""
    height, width = size
    count = len(view) * height * width
    pixels, depth = camera.project(person.points)
    screen = raster.snap(pixels.add_(0.5).mul_(SUPERSAMPLE).sub_(0.5))
    # Cloth on the hips is drawn a little nearer than it is, so that moving thighs do not poke through it.
    depth = torch.sub(depth, person.over_hips, alpha=_HIP_LIFT)
    buffer = raster.rasterise(screen, depth, person.faces, person.drawn, person.two_sided, size, _DEPTH_SPAN)
    # Part + 1 of each sample, 0 for none.
    code_table = torch.cat((torch.zeros(1), person.parts.index_select(0, person.face_grid) + 1)).to(torch.uint8)
    codes = code_table.index_select(0, buffer.faces().reshape(-1)).reshape(buffer.keys.shape)
    vertices = torch.cat((camera.rotate(person.attributes[:3]), person.attributes[3:]))
    light = scene.sample_light(view, background)
    # Every sample of the head is shaded, for the sake of the face; elsewhere one for each pixel and part.
    share = raster.share_samples(codes, sf.HEAD + 1).reshape(4, -1)
    place, pixel = share.nonzero().t().contiguous()
    code = codes.reshape(-1).index_select(0, place * count + pixel)
    order = code.argsort(stable=True)
    part, place, pixel = (value.index_select(0, order) for value in (code, place, pixel))
    pieces = raster.fragments(buffer, place, pixel, screen, person.faces)
    colour = _colour(person, pieces, part.long() - 1, pieces.interpolate(vertices), camera, light, size)
    weight = share.reshape(-1).index_select(0, place * count + pixel).to(torch.float32) / 4
    rows = torch.cat((colour * weight, weight[None], (weight * (part != sf.SEAT + 1))[None]))
    layer = torch.zeros(5, count).scatter_add_(1, pixel.expand(5, -1), rows).reshape(5, -1, height, width)
    shadow = shading.ground_shadow(person.points, person.shown, person.stature, camera, light, size)
    ground = scene.render_background(background, size) * (1 - shadow)[:, None]
    image = sensor.develop(ground.mul_((1 - layer[3])[:, None]).add_(layer[:3].transpose(0, 1)), view)
    xy, visible, occluded = truth.joint_truth(person.joints, person.outward, person.stature, camera, buffer, codes)
    coordinates = None
    if surface:
        where = codes.reshape(4, -1).nonzero().t().contiguous()
        every = raster.fragments(buffer, where[0], where[1], screen, person.faces).interpolate(person.attributes[3:])
        maps = torch.zeros(2, 4 * count).index_copy_(1, where[0] * count + where[1], every)
        coordinates = truth.surface_map(codes, *maps.reshape(2, *codes.shape))
    return Rendering(image, xy, visible, occluded, layer[4] >= 0.49, coordinates)


def _colour(
    person: Figure,
    pieces: raster.Fragments,
    part: Tensor,
    attribute: Tensor,
    camera: scene.Camera,
    light: scene.Light,
    size: tuple[int, int],
) -> Tensor:
    """sRGB colour (3, Q) of lit fragments, which are sorted by part."""
    grid = person.face_grid.index_select(0, pieces.face)
    paint, gloss, slot = albedo.paint(person, pieces.item, grid, part, attribute[3], attribute[4], size[0])
    normal = attribute[:3] * (1 - 2 * pieces.back.to(torch.float32))
    normal, dark = shading.look_around(pieces, normal, slot, camera, light, person.stature, size)
    colour = shading.shade(light, pieces.item, normal, pieces.back, paint, gloss)
    return colour.mul_(1 - 0.95 * dark).clamp_(min=0).sqrt_()
