"""From seeds to pixels: builds the posed, dressed figure, rasterises it and shades it into its background.

Exists as the one place where geometry, materials, light and scene meet. It knows no data-set indices (people.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.data.synthetic import body, face, figure, garments, head, motion, raster, scene, texture, wardrobe
from posegan.data.synthetic import surfaces as sf
from posegan.data.synthetic.draws import combine

_SUPERSAMPLE = 2
_DEPTH_SPAN = (-2.5, 2.5)
_HIP_LIFT = 0.035  # metres
_COARSE_HEIGHT = 160  # pixels, up to which limbs are drawn with half the rows
_FINE_PARTS = (sf.HEAD, sf.HAIR, sf.HAT, sf.COLLAR, sf.THUMB_R, sf.THUMB_L, sf.BAG, sf.SEAT)
# How far a joint lies below its own surface, in metres: anything nearer to the camera hides it.
_MARGIN = torch.tensor([0.04, 0.15, 0.13, 0.09, 0.08, 0.13, 0.09, 0.08, 0.19, 0.12, 0.10, 0.19, 0.12, 0.10, 0.04, 0.04, 0.06, 0.06])
# A face point exists where its outward direction is turned to the camera by at least this cosine; others always do.
_FACING = torch.tensor([-0.12] + [-9.0] * 13 + [0.03, 0.03, -0.30, -0.30])


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
        for name in ("points", "attributes", "hidden", "over_hips", "slots", "present", "joints", "outward", "identity", "stature"):
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
    skeleton = body.pose_skeleton(shape, moves)
    grids = figure.body_grids(shape, skeleton, garments.waist_ease(outfit))
    grids += garments.garment_grids(shape, skeleton, outfit, identity, pose)
    grids += head.head_grids(shape, skeleton, outfit, identity)
    batch = identity.shape[0]
    points, attributes, shapes = [], [], []
    for grid in grids:
        values = torch.cat((sf.grid_normals(grid.points), grid.coords.expand(*grid.points.shape[:-1], 2)), -1)
        rows = torch.arange(grid.points.shape[1])
        # Small pictures need only every second row, except on the head; normals keep the full detail.
        step = 2 if height <= _COARSE_HEIGHT and grid.part not in _FINE_PARTS else 1
        rows = torch.cat((rows[:-1:step], rows[-1:]))
        points.append(grid.points[:, rows].flatten(1, 2))
        attributes.append(values[:, rows].flatten(1, 2))
        shapes.append((len(rows), grid.points.shape[2], -(-grid.inside // step)))
    faces, owner, two_sided = raster.grid_faces(tuple(shapes))
    joints, outward = body.coco_joints(shape, skeleton)
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
    return under_sleeve | under_trousers | ((part == sf.TORSO) & closed[:, None] & (height < 0.95) & (height > outfit.hem[:, None] + 0.06))


def frame_camera(person: Figure, view: Tensor, size: tuple[int, int], *, together: bool) -> scene.Camera:
    """The camera of each view, fitted around the person."""
    camera = scene.sample_camera(view, person.stature[:1].expand_as(person.stature) if together else person.stature)
    shown = person.present[:, person.vertex_grid].unsqueeze(-1)
    return camera.fit(torch.where(shown, person.points, person.joints[:, 1:2]), view, size, together=together)


def render_figure(person: Figure, camera: scene.Camera, view: Tensor, background: Tensor, size: tuple[int, int], surface: bool) -> Rendering:
    """Rasterise, shade, composite and develop one chunk."""
    batch = view.shape[0]
    height, width = size
    fine = (height * _SUPERSAMPLE, width * _SUPERSAMPLE)
    pixels, depth = camera.project(person.points)
    screen = (pixels + 0.5) * _SUPERSAMPLE - 0.5
    # Cloth on the hips is drawn a little nearer than it is, so that moving thighs do not poke through it.
    depth = depth - _HIP_LIFT * person.over_hips
    keep = person.present[:, person.face_grid] & ~person.hidden
    pieces = raster.rasterise(screen, depth, person.faces, keep, person.two_sided, fine, _DEPTH_SPAN)
    light = scene.sample_light(view, background)
    attribute = _interpolate(torch.cat((camera.rotate(person.attributes[..., :3]), person.attributes[..., 3:]), -1), pieces)
    albedo, gloss, part, slot = _albedo(person, pieces, attribute, height)
    normal = attribute[:, :3]
    inside = normal[:, 2] < 0
    normal = torch.where(inside.unsqueeze(-1), -normal, normal)
    nearby = _look_around(pieces, normal, slot, camera, light, person.stature)
    colour = _shade(light, pieces.item, nearby.normal, inside, albedo, gloss) * (1 - 0.95 * nearby.dark).unsqueeze(-1)
    layer = torch.zeros(batch * fine[0] * fine[1], 4)
    layer[pieces.sample] = torch.cat((colour.clamp(min=0).sqrt(), torch.ones_like(colour[:, :1])), -1)
    layer = F.avg_pool2d(layer.reshape(batch, *fine, 4).permute(0, 3, 1, 2), _SUPERSAMPLE)
    ground = scene.render_background(background, size)
    ground = ground * (1 - _ground_shadow(person, camera, light, size))[:, None]
    image = layer[:, :3] + (1 - layer[:, 3:]) * ground
    image = scene.develop(image, view)
    parts = torch.zeros(batch * fine[0] * fine[1], dtype=torch.int64)
    parts[pieces.sample] = part + 1
    parts = parts.reshape(batch, *fine)
    mask = F.avg_pool2d(((parts > 0) & (parts != sf.SEAT + 1)).float()[:, None], _SUPERSAMPLE)[:, 0] >= 0.5
    xy, visible, occluded = _joints(person, camera, pieces.depth, parts, size)
    coordinates = _surface(pieces, attribute, parts) if surface else None
    return Rendering(image, xy, visible, occluded, mask, coordinates)


def _interpolate(attributes: Tensor, pieces: raster.Fragments) -> Tensor:
    table = attributes.reshape(-1, attributes.shape[-1])
    total = torch.zeros(len(pieces.sample), table.shape[1])
    for corner in range(3):
        total = total + table.index_select(0, pieces.vertex[:, corner]) * pieces.weight[:, corner : corner + 1]
    return total


def _albedo(person: Figure, pieces: raster.Fragments, attribute: Tensor, height: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Albedo (P, 3), gloss, part and material slot (P,) of the fragments."""
    outfit = person.outfit
    item, grid = pieces.item, person.face_grid.index_select(0, pieces.face)
    part = person.parts.index_select(0, grid)
    around, along = attribute[:, 3], attribute[:, 4]
    slot = person.slots.reshape(-1).index_select(0, item * len(person.parts) + grid)
    level = 1 - along / garments.TRUNK_LENGTH
    trunk = part == sf.TORSO
    slot = torch.where(trunk, texture.trunk_slots(level, around, (outfit.gap > 0).index_select(0, item)), slot)
    material = outfit.material.reshape(-1, wardrobe.MATERIAL).index_select(0, item * sf.SLOTS + slot)
    grain = 1.0 / height
    colour = texture.garment_colour(part, material, around, along, grain)
    skin = outfit.material[:, sf.SKIN, wardrobe.FIRST]
    hair = outfit.material[:, sf.HAIR_SLOT, wardrobe.FIRST]

    def repaint(codes: tuple[int, ...], paint: Callable[[Tensor], Tensor]) -> None:
        index = torch.isin(part, torch.tensor(codes)).nonzero()[:, 0]
        colour[index] = paint(index)

    repaint((sf.HAIR, sf.TAIL), lambda i: texture.hair_colour(material[i], around[i], along[i]))
    repaint((sf.SHOE_R, sf.SHOE_L), lambda i: texture.shoe_colour(material[i], around[i], along[i]))
    repaint(
        (sf.HEAD,),
        lambda i: face.paint_face(
            skin[item[i]], around[i], along[i], hair[item[i]], person.identity[item[i]], outfit.beard[item[i]], outfit.makeup[item[i]],
            outfit.glasses[item[i]].float(),
        ),
    )  # fmt: skip

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
    return colour.clamp(0, 1), material[:, wardrobe.GLOSS], part, slot


@dataclass(frozen=True)
class _Neighbourhood:
    """What surrounds each fragment in the picture: a normal smoothed over the same material, and how deep it lies, 0 to 1."""

    normal: Tensor
    dark: Tensor


def _look_around(pieces: raster.Fragments, normal: Tensor, slot: Tensor, camera: scene.Camera, light: scene.Light, stature: Tensor) -> _Neighbourhood:
    """Six taps around each fragment: they weld the shading where grids of one garment meet, and darken crevices.

    The darkening stands for ambient occlusion and, weighted towards the light, for short cast shadows.
    """
    batch, height, width = pieces.depth.shape
    table = torch.zeros(batch * height * width, 5)
    table[:, 0] = 9.0
    here = pieces.depth.reshape(-1)[pieces.sample]
    code = slot.to(torch.float32)
    table[pieces.sample] = torch.cat((here[:, None], code[:, None], normal), -1)
    local = pieces.sample - pieces.item * (height * width)
    y, x = local // width, local % width
    radius = camera.scale * stature * _SUPERSAMPLE * 0.024
    toward = light.direction[:, :2] * torch.tensor([1.0, -1.0])
    dark = torch.zeros_like(here)
    total = normal * 1.5
    for dx, dy, strength in _TAPS:
        shift_x, shift_y = ((radius * d).round().long().index_select(0, pieces.item) for d in (dx, dy))
        inside = (y + shift_y).clamp(0, height - 1) * width + (x + shift_x).clamp(0, width - 1)
        near = table.index_select(0, pieces.item * (height * width) + inside)
        gap = here - near[:, 0]
        weight = strength * (0.35 + 1.05 * (toward[:, 0] * dx + toward[:, 1] * dy).clamp(min=0)).index_select(0, pieces.item)
        dark = dark + weight * ((gap - 0.012) / 0.05).clamp(0, 1) * (1 - ((gap - 0.25) / 0.25).clamp(0, 1))
        same = (near[:, 1] == code) & (gap.abs() < 0.035)
        total = total + near[:, 2:] * same.unsqueeze(-1)
    return _Neighbourhood(body.unit(total), dark.clamp(max=0.62))


# Direction of each tap (x right, y down) and its strength: a hexagon, because six taps look like eight.
_TAPS = ((1.0, 0.0, 0.14), (-1.0, 0.0, 0.14), (0.5, 0.87, 0.09), (-0.5, 0.87, 0.09), (0.5, -0.87, 0.16), (-0.5, -0.87, 0.16))


def _shade(light: scene.Light, item: Tensor, normal: Tensor, inside: Tensor, albedo: Tensor, gloss: Tensor) -> Tensor:
    """Linear colour (P, 3): hemispheric ambient, wrapped key light and a soft highlight."""
    direction = light.direction.index_select(0, item)
    facing = (normal * direction).sum(-1)
    key = ((facing + 0.25) / 1.25).clamp(min=0) * light.key.index_select(0, item)
    sky = ((normal[:, 1] + 1) / 2).unsqueeze(-1)
    ambient = torch.lerp(light.bounce.index_select(0, item), light.sky.index_select(0, item), sky) * light.ambient.index_select(0, item).unsqueeze(-1)
    halfway = body.unit(direction + torch.tensor([0.0, 0.0, 1.0]))
    shine = (normal * halfway).sum(-1).clamp(min=0) ** 18 * gloss * light.key.index_select(0, item) * 0.28
    # Light falls off towards grazing angles, which rounds the limbs off.
    round_off = 0.72 + 0.28 * normal[:, 2].clamp(min=0).sqrt()
    level = (ambient + key.unsqueeze(-1)) * (round_off * torch.where(inside, 0.55, 1.0)).unsqueeze(-1)
    return albedo.square() * level + shine.unsqueeze(-1)


def _ground_shadow(person: Figure, camera: scene.Camera, light: scene.Light, size: tuple[int, int]) -> Tensor:
    """Opacity (B, H, W) of the contact shadow under the feet and the soft cast shadow."""
    height, width = size
    batch = person.points.shape[0]
    toward = body.turn(camera.frame.transpose(-1, -2), light.direction)
    slope = toward[:, None, (0, 2)] / toward[:, None, 1:2].clamp(min=0.35)
    points = person.points[:, ::2]
    level = points[..., 1].clamp(min=0)
    ground = torch.stack((points[..., 0] - slope[..., 0] * level, torch.zeros_like(level), points[..., 2] - slope[..., 1] * level), -1)
    cast, _ = camera.project(ground)
    shown = person.present[:, person.vertex_grid[::2]]
    below, _ = camera.project(points * torch.tensor([1.0, 0.0, 1.0]))
    near = shown & (points[..., 1] < 0.16 * person.stature[:, None])
    cell = max(1, height // 64)
    coarse = (height // cell + 17, width // cell + 17)

    def splat(points: Tensor, keep: Tensor, rounds: int) -> Tensor:
        place = (points / cell).round().long() + 8
        good = keep & (place[..., 0] >= 0) & (place[..., 0] < coarse[1]) & (place[..., 1] >= 0) & (place[..., 1] < coarse[0])
        index = torch.arange(batch)[:, None] * (coarse[0] * coarse[1]) + place[..., 1] * coarse[1] + place[..., 0]
        hit = torch.zeros(batch * coarse[0] * coarse[1])
        hit[index[good]] = 1.0
        field = hit.reshape(batch, 1, *coarse)
        for _ in range(rounds):
            field = F.avg_pool2d(field, (3, 3), stride=1, padding=1, count_include_pad=True)
        field = F.interpolate(field, scale_factor=float(cell), mode="bilinear", align_corners=False) if cell > 1 else field
        return field[:, 0, 8 * cell : 8 * cell + height, 8 * cell : 8 * cell + width]

    contact = (splat(below, near, 2) * 1.4).clamp(max=1) * 0.55
    sun = splat(cast, shown, 3).clamp(max=1) * light.shadow[:, None, None]
    return 1 - (1 - contact) * (1 - sun)


def _joints(person: Figure, camera: scene.Camera, depth: Tensor, parts: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (B, 18, 2), visibility and occlusion (B, 18) of the joints."""
    height, width = size
    batch = depth.shape[0]
    xy, distance = camera.project(person.joints)
    inside = (xy >= -0.5).all(-1) & (xy[..., 0] < width - 0.5) & (xy[..., 1] < height - 0.5)
    fine = ((xy + 0.5) * _SUPERSAMPLE - 0.5).round().long()
    column, row = fine[..., 0].clamp(0, width * _SUPERSAMPLE - 1), fine[..., 1].clamp(0, height * _SUPERSAMPLE - 1)
    item = torch.arange(batch)[:, None]
    front, part = depth[item, row, column], parts[item, row, column] - 1
    gap = distance - front
    facing = camera.rotate(person.outward)[..., 2]
    turned_away = facing < _FACING
    own_head = (part == sf.HEAD) | (part == sf.HAIR) | (part == sf.TAIL) | (part == sf.HAT)
    is_face = _FACING > -1
    hidden = (gap > _MARGIN * person.stature[:, None] / 1.7) & front.isfinite()
    limb = torch.zeros_like(hidden)
    for joint, (arm, cloth) in _OWN_PARTS.items():
        limb[:, joint] = (part[:, joint] == arm) | (part[:, joint] == cloth)
    visible = inside & ~(is_face & (turned_away | (hidden & own_head)))
    occluded = visible & hidden & ~limb
    return torch.where(visible.unsqueeze(-1), xy, torch.zeros_like(xy)), visible, occluded


_OWN_PARTS = {
    2: (sf.ARM_R, sf.SLEEVE_R), 3: (sf.ARM_R, sf.SLEEVE_R), 4: (sf.ARM_R, sf.SLEEVE_R), 5: (sf.ARM_L, sf.SLEEVE_L), 6: (sf.ARM_L, sf.SLEEVE_L),
    7: (sf.ARM_L, sf.SLEEVE_L), 9: (sf.LEG_R, sf.TROUSER_R), 10: (sf.LEG_R, sf.TROUSER_R), 12: (sf.LEG_L, sf.TROUSER_L), 13: (sf.LEG_L, sf.TROUSER_L),
}  # fmt: skip
# Nominal radius of each part in metres: turns (around, along) into coordinates without a seam.
_RADIUS = torch.tensor([0.16, 0.16, 0.16, 0.06, 0.06, 0.2, 0.09, 0.03, 0.10, 0.1, 0.1, 0.035, 0.035, 0.045, 0.045, 0.06, 0.06, 0.07, 0.07, 0.05, 0.05, 0.01, 0.01])


def _surface(pieces: raster.Fragments, attribute: Tensor, parts: Tensor) -> Tensor:
    """Surface coordinates (B, H, W, 4): part id + 1 (0 is background), two around and one along the part, in nominal metres."""
    batch, rows, columns = parts.shape
    flat = torch.zeros(batch * rows * columns, 3)
    radius = _RADIUS[parts.reshape(-1)[pieces.sample] - 1]
    angle = attribute[:, 3] / radius
    flat[pieces.sample] = torch.stack((radius * angle.sin(), radius * angle.cos(), attribute[:, 4]), -1)
    step = _SUPERSAMPLE

    def gathered(value: Tensor) -> Tensor:
        value = value.reshape(batch, rows // step, step, columns // step, step, -1)
        return value.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows // step, columns // step, step * step, -1)

    four, coordinates = gathered(parts)[..., 0], gathered(flat)
    agree = (four.unsqueeze(-1) == four.unsqueeze(-2)).sum(-1)
    chosen = four.gather(-1, agree.argmax(-1, keepdim=True))
    chosen = torch.where(chosen == sf.SEAT + 1, torch.zeros_like(chosen), chosen)
    share = (four == chosen).float().unsqueeze(-1)
    mean = (coordinates * share).sum(-2) / share.sum(-2).clamp(min=1)
    return torch.cat((chosen.float(), mean * (chosen > 0)), -1)
