"""From seeds to pixels: builds the posed, dressed figure, rasterises it and shades it into its background.

Exists as the one place where geometry, materials, light and scene meet. It knows no data-set indices (people.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic import (
    body,
    face,
    figure,
    garments,
    head,
    kinematics,
    motion,
    raster,
    scene,
    sensor,
    shading,
    texture,
    truth,
    wardrobe,
)
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.raster import SUPERSAMPLE

_DEPTH_SPAN = (-2.5, 2.5)
_HIP_LIFT = 0.035  # metres
_COARSE_HEIGHT = 160  # pixels, up to which limbs are drawn with half the rows
_DOUBLED_PARTS = (sf.TOP, sf.SKIRT)
_FINE_PARTS = (sf.HEAD, sf.HAIR, sf.HAT, sf.COLLAR, sf.THUMB_R, sf.THUMB_L, sf.BAG, sf.SEAT)


@dataclass(frozen=True)
class Figure:
    """Vertices of a batch of dressed people, and what is needed to shade them."""

    points: Tensor  # (B, V, 3) world metres
    attributes: Tensor  # (B, V, 5): normal, around, along
    hidden: Tensor  # (B, F) faces that clothes cover for certain
    over_hips: Tensor  # (B, V) 0 to 1, where tops and skirts lie over the hips
    vertex_grid: Tensor  # (V,)
    faces: Tensor  # (F, 3)
    face_grid: Tensor  # (F,)
    parts: Tensor  # (G,)
    slots: Tensor  # (B, G)
    present: Tensor  # (B, G)
    two_sided: Tensor  # (F,) whether the back of a face is drawn
    joints: Tensor  # (B, 18, 3)
    outward: Tensor  # (B, 18, 3)
    outfit: wardrobe.Outfit
    identity: Tensor
    stature: Tensor

    def slice(self, items: slice) -> Figure:
        """The figures of some items."""
        fields = dict(vars(self))
        for name in (
            "points",
            "attributes",
            "hidden",
            "over_hips",
            "slots",
            "present",
            "joints",
            "outward",
            "identity",
            "stature",
        ):
            fields[name] = fields[name][items]
        fields["outfit"] = wardrobe.Outfit(**{name: value[items] for name, value in vars(self.outfit).items()})
        return Figure(**fields)


@dataclass(frozen=True)
class Rendering:
    """Pictures and truth of one chunk; see `SyntheticSample`."""

    image: Tensor
    xy: Tensor
    visible: Tensor
    occluded: Tensor
    mask: Tensor
    surface: Tensor | None


def build_figure(identity: Tensor, pose: Tensor, height: int, phase: Tensor | None = None) -> Figure:
    """Dress and pose the people of the seeds (B,) for pictures of a height; `phase` (B,) makes everyone walk."""
    shape = body.sample_shape(identity)
    outfit = wardrobe.sample_outfit(identity, shape)
    moves = motion.sample_motion(pose, phase=phase)
    skeleton = kinematics.pose_skeleton(shape, moves)
    grids = figure.body_grids(shape, skeleton, garments.waist_ease(outfit))
    grids += garments.garment_grids(shape, skeleton, outfit, identity, pose)
    grids += head.head_grids(shape, skeleton, outfit, identity)
    batch = identity.shape[0]
    points, attributes, shapes = [], [], []
    for grid in grids:
        # Small pictures need less detail, except on the head. Limbs lose every second column,
        # trunk garments, whose back column is doubled, every second row.
        coarse = height <= _COARSE_HEIGHT and grid.part not in _FINE_PARTS
        thin = coarse and grid.part in _DOUBLED_PARTS
        rows = torch.arange(grid.points.shape[1])
        rows = torch.cat((rows[:-1:2], rows[-1:])) if thin else rows
        columns = torch.arange(0, grid.points.shape[2], 2 if coarse and not thin else 1)
        surface = grid.points[:, rows][:, :, columns] if coarse else grid.points
        coords = grid.coords.expand(*grid.points.shape[:-1], 2)
        coords = coords[:, rows][:, :, columns] if coarse else coords
        points.append(surface.flatten(1, 2))
        attributes.append(torch.cat((sf.grid_normals(surface), coords), -1).flatten(1, 2))
        shapes.append((len(rows), len(columns), -(-grid.inside // 2) if thin else grid.inside))
    faces, owner, two_sided = raster.grid_faces(tuple(shapes))
    joints, outward = kinematics.coco_joints(shape, skeleton)
    vertex_grid = torch.cat([torch.full((rows * columns,), number) for number, (rows, columns, _) in enumerate(shapes)])
    merged = torch.cat(attributes, 1)
    parts = torch.tensor([grid.part for grid in grids])
    cloth = ((parts == sf.TOP) | (parts == sf.SKIRT))[vertex_grid]
    covered = _covered(parts[vertex_grid], merged[..., 4], outfit)
    return Figure(
        points=torch.cat(points, 1),
        attributes=merged,
        # The first two corners of a face lie in its two rows.
        hidden=covered[:, faces[:, 0]] & covered[:, faces[:, 1]],
        over_hips=((merged[..., 4] - 0.35) / 0.07).clamp(0, 1) * cloth,
        vertex_grid=vertex_grid,
        faces=faces,
        face_grid=owner,
        parts=parts,
        slots=torch.stack([torch.as_tensor(grid.slot).expand(batch) for grid in grids], 1),
        present=torch.stack([grid.present for grid in grids], 1),
        two_sided=two_sided,
        joints=joints,
        outward=outward,
        outfit=outfit,
        identity=identity,
        stature=shape.stature,
    )


def _covered(part: Tensor, along: Tensor, outfit: wardrobe.Outfit) -> Tensor:
    """Vertices (B, V) of the skin that lie well inside clothes; drawing them would only cost time."""
    arm = (part == sf.ARM_R) | (part == sf.ARM_L)
    leg = (part == sf.LEG_R) | (part == sf.LEG_L)
    under_sleeve = arm & (along / garments.ARM_LENGTH < outfit.sleeve[:, None] - 0.2)
    under_trousers = leg & (along / garments.LEG_LENGTH < outfit.trouser[:, None] - 0.2)
    height = 1 - along / garments.TRUNK_LENGTH
    closed = (outfit.gap == 0) & (outfit.skirt_of_top | (outfit.hem < 0.32))
    return (
        under_sleeve
        | under_trousers
        | ((part == sf.TORSO) & closed[:, None] & (height < 0.95) & (height > outfit.hem[:, None] + 0.06))
    )


def frame_camera(person: Figure, view: Tensor, size: tuple[int, int], *, together: bool) -> scene.Camera:
    """The camera of each view, fitted around the person."""
    camera = scene.sample_camera(view, person.stature[:1].expand_as(person.stature) if together else person.stature)
    shown = person.present[:, person.vertex_grid].unsqueeze(-1)
    return camera.fit(torch.where(shown, person.points, person.joints[:, 1:2]), view, size, together=together)


def render_figure(
    person: Figure, camera: scene.Camera, view: Tensor, background: Tensor, size: tuple[int, int], surface: bool
) -> Rendering:
    """Rasterise, shade, composite and develop one chunk."""
    batch = view.shape[0]
    height, width = size
    fine = (height * SUPERSAMPLE, width * SUPERSAMPLE)
    pixels, depth = camera.project(person.points)
    screen = (pixels + 0.5) * SUPERSAMPLE - 0.5
    # Cloth on the hips is drawn a little nearer than it is, so that moving thighs do not poke through it.
    depth = depth - _HIP_LIFT * person.over_hips
    keep = person.present[:, person.face_grid] & ~person.hidden
    pieces = raster.rasterise(screen, depth, person.faces, keep, person.two_sided, fine, _DEPTH_SPAN)
    part = person.parts.index_select(0, person.face_grid.index_select(0, pieces.face))
    vertices = torch.cat((camera.rotate(person.attributes[..., :3]), person.attributes[..., 3:]), -1)
    light = scene.sample_light(view, background)
    # Every sample of the head is shaded, for the sake of the face; elsewhere one for each pixel and part.
    lead, share = raster.merge_samples(pieces, torch.where(part == sf.HEAD, 100 + pieces.sample, part + 1))
    few = pieces.pick(lead)
    colour = _colour(person, few, part.index_select(0, lead), _interpolate(vertices, few), camera, light, height)
    body_share = (part.index_select(0, lead) != sf.SEAT).to(torch.float32)
    rows = torch.cat((colour, torch.ones_like(colour[:, :1]), body_share.unsqueeze(-1)), -1) * (share / 4).unsqueeze(-1)
    layer = torch.zeros(batch * height * width, 5).index_add_(0, few.pixel()[0], rows)
    layer = layer.reshape(batch, height, width, 5).permute(0, 3, 1, 2)
    shown = person.present[:, person.vertex_grid]
    shadow = shading.ground_shadow(person.points, shown, person.stature, camera, light, size)
    ground = scene.render_background(background, size) * (1 - shadow)[:, None]
    image = sensor.develop(layer[:, :3] + (1 - layer[:, 3:4]) * ground, view)
    mask = layer[:, 4] >= 0.49
    parts = torch.zeros(batch * fine[0] * fine[1], dtype=torch.int32)
    parts[pieces.sample] = (part + 1).to(torch.int32)
    parts = parts.reshape(batch, *fine)
    xy, visible, occluded = truth.joint_truth(
        person.joints, person.outward, person.stature, camera, pieces.depth, parts, size
    )
    coordinates = truth.surface_map(pieces, _interpolate(vertices, pieces), parts) if surface else None
    return Rendering(image, xy, visible, occluded, mask, coordinates)


def _colour(
    person: Figure,
    pieces: raster.Fragments,
    part: Tensor,
    attribute: Tensor,
    camera: scene.Camera,
    light: scene.Light,
    height: int,
) -> Tensor:
    """sRGB colour (P, 3) of lit fragments."""
    albedo, gloss, slot = _albedo(person, pieces, part, attribute, height)
    normal = attribute[:, :3]
    inside = normal[:, 2] < 0
    normal = torch.where(inside.unsqueeze(-1), -normal, normal)
    nearby = shading.look_around(pieces, normal, slot, camera, light, person.stature)
    colour = shading.shade(light, pieces.item, nearby.normal, inside, albedo, gloss)
    return (colour * (1 - 0.95 * nearby.dark).unsqueeze(-1)).clamp(min=0).sqrt()


def _interpolate(attributes: Tensor, pieces: raster.Fragments) -> Tensor:
    table = attributes.reshape(-1, attributes.shape[-1])
    total = torch.zeros(len(pieces.sample), table.shape[1])
    for corner in range(3):
        total = total + table.index_select(0, pieces.vertex[:, corner]) * pieces.weight[:, corner : corner + 1]
    return total


def _albedo(
    person: Figure, pieces: raster.Fragments, part: Tensor, attribute: Tensor, height: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Albedo (P, 3), gloss and material slot (P,) of the fragments."""
    outfit = person.outfit
    item, grid = pieces.item, person.face_grid.index_select(0, pieces.face)
    around, along = attribute[:, 3], attribute[:, 4]
    slot = person.slots.reshape(-1).index_select(0, item * len(person.parts) + grid)
    level = 1 - along / garments.TRUNK_LENGTH
    trunk = part == sf.TORSO
    slot = torch.where(trunk, texture.trunk_slots(level, around, (outfit.gap > 0).index_select(0, item)), slot)
    material = outfit.material.reshape(-1, wardrobe.MATERIAL).index_select(0, item * sf.SLOTS + slot)
    # The size of a pixel in metres, for a person who fills the picture.
    grain = 1.75 / height
    colour = texture.garment_colour(part, material, around, along, grain)
    skin = outfit.material[:, sf.SKIN, wardrobe.FIRST]
    hair = outfit.material[:, sf.HAIR_SLOT, wardrobe.FIRST]

    def repaint(codes: tuple[int, ...], paint: Callable[[Tensor], Tensor]) -> None:
        index = torch.isin(part, torch.tensor(codes)).nonzero()[:, 0]
        colour[index] = paint(index)

    repaint((sf.HAIR, sf.TAIL), lambda i: texture.hair_colour(material[i], around[i], along[i]))
    repaint((sf.SHOE_R, sf.SHOE_L), lambda i: texture.shoe_colour(material[i], around[i], along[i]))

    def head_skin(i: Tensor) -> Tensor:
        who = item[i]
        glasses = outfit.glasses[who].float()
        features = (person.identity[who], outfit.beard[who], outfit.makeup[who], glasses)
        return face.paint_face(skin[who], around[i], along[i], hair[who], *features)

    repaint((sf.HEAD,), head_skin)

    def strap(i: Tensor) -> Tensor:
        bag = outfit.bag[item[i]]
        cover = texture.strap(around[i], along[i], bag, body.SIDE[outfit.bag_side][item[i]])
        return torch.lerp(colour[i], outfit.material[item[i], sf.BAG_SLOT, wardrobe.FIRST] * 0.85, cover.unsqueeze(-1))

    repaint((sf.TOP, sf.TORSO, sf.SKIRT), strap)

    def belt(i: Tensor) -> Tensor:
        cover = texture.belt(level[i]) * (outfit.trouser > 0)[item[i]]
        return torch.lerp(colour[i], torch.tensor(0.09), cover.unsqueeze(-1))

    repaint((sf.TORSO,), belt)

    def leg(i: Tensor) -> Tensor:
        sock = along[i] / garments.LEG_LENGTH > material[i][:, wardrobe.PHASE]
        return torch.where(sock.unsqueeze(-1), material[i][:, wardrobe.SECOND], material[i][:, wardrobe.FIRST])

    repaint((sf.LEG_R, sf.LEG_L), leg)
    return colour.clamp(0, 1), material[:, wardrobe.GLOSS], slot
