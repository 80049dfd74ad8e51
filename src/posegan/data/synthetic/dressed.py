"""The posed, dressed person as one list of vertices and faces.

Exists as the one place where body, clothes and head meet; `render.py` photographs what comes from here. It computes no
pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posegan.data.synthetic import body, figure, garments, head, kinematics, motion, raster, wardrobe
from posegan.data.synthetic import surfaces as sf


@dataclass(frozen=True)
class Figure:
    """Vertices of a batch of dressed people, and what is needed to shade them."""

    points: Tensor  # (3, B, V) world metres
    attributes: Tensor  # (5, B, V): normal, around, along
    drawn: Tensor  # (B, F) faces that are worn and not covered by clothes for certain
    shown: Tensor  # (B, V) vertices of what is worn
    over_hips: Tensor  # (B, V) 0 to 1, where tops and skirts lie over the hips
    slots: Tensor  # (B, G)
    joints: Tensor  # (B, 18, 3)
    outward: Tensor  # (B, 18, 3)
    outfit: wardrobe.Outfit
    identity: Tensor
    stature: Tensor
    faces: Tensor  # (3, F)
    face_grid: Tensor  # (F,)
    parts: Tensor  # (G,)
    two_sided: Tensor  # (F,) whether the back of a face is drawn

    def slice(self, items: slice) -> Figure:
        """The figures of some items."""
        fields = dict(vars(self))
        for name in ("drawn", "shown", "over_hips", "slots", "joints", "outward", "identity", "stature"):
            fields[name] = fields[name][items]
        for name in ("points", "attributes"):
            fields[name] = fields[name][:, items]
        fields["outfit"] = wardrobe.Outfit(**{name: value[items] for name, value in vars(self.outfit).items()})
        return Figure(**fields)


def build_figure(identity: Tensor, pose: Tensor, height: int, phase: Tensor | None = None) -> Figure:
    """Dress and pose the people of the seeds (B,) for pictures of a height; `phase` (B,) makes everyone walk."""
    shape = body.sample_shape(identity)
    outfit = wardrobe.sample_outfit(identity, shape)
    skeleton = kinematics.pose_skeleton(shape, motion.sample_motion(pose, phase=phase))
    detail = sf.Detail(height)
    pairs = figure.both_shapes(shape)
    arms, legs = figure.arm_limbs(pairs, skeleton), figure.leg_limbs(pairs, skeleton)
    grids = figure.body_grids(shape, skeleton, arms, legs, garments.waist_ease(outfit), detail)
    grids += garments.garment_grids(shape, skeleton, arms, legs, outfit, identity, pose, detail)
    grids += head.head_grids(shape, skeleton, outfit, identity, detail)
    batch = identity.shape[0]
    sizes = [tuple(grid.points.shape[2:]) for grid in grids]
    points = torch.cat([grid.points.flatten(2) for grid in grids], 2)
    coords = torch.cat([grid.coords.expand(2, *grid.points.shape[1:]).flatten(2) for grid in grids], 2)
    neighbour = sf.neighbours(tuple((*size, grid.doubled) for size, grid in zip(sizes, grids, strict=True)))
    faces, owner, two_sided = raster.grid_faces(
        tuple((*size, grid.inside) for size, grid in zip(sizes, grids, strict=True))
    )
    parts = torch.tensor([grid.part for grid in grids])
    vertex_grid = torch.arange(len(grids)).repeat_interleave(torch.tensor([rows * columns for rows, columns in sizes]))
    vertex_part = parts[vertex_grid]
    present = torch.stack([grid.present for grid in grids], 1)
    covered = _covered(vertex_part, coords[1], outfit)
    # The first two corners of a face lie in its two rows.
    hidden = covered.index_select(1, faces[0]) & covered.index_select(1, faces[1])
    joints, outward = kinematics.coco_joints(shape, skeleton)
    cloth = (vertex_part == sf.TOP) | (vertex_part == sf.SKIRT)
    return Figure(
        points=points,
        attributes=torch.cat((sf.grid_normals(points, neighbour), coords)),
        drawn=present.index_select(1, owner) & ~hidden,
        shown=present.index_select(1, vertex_grid),
        over_hips=((coords[1] - 0.35) / 0.07).clamp_(0, 1) * cloth,
        slots=torch.stack([torch.as_tensor(grid.slot).expand(batch) for grid in grids], 1),
        joints=joints,
        outward=outward,
        outfit=outfit,
        identity=identity,
        stature=shape.stature,
        faces=faces,
        face_grid=owner,
        parts=parts,
        two_sided=two_sided,
    )


def _covered(part: Tensor, along: Tensor, outfit: wardrobe.Outfit) -> Tensor:
    """Vertices (B, V) of the skin that lie well inside clothes; drawing them would only cost time."""
    arm = (part == sf.ARM_R) | (part == sf.ARM_L)
    leg = (part == sf.LEG_R) | (part == sf.LEG_L)
    under_sleeve = arm & (along < (outfit.sleeve[:, None] - 0.2) * garments.ARM_LENGTH)
    under_trousers = leg & (along < (outfit.trouser[:, None] - 0.2) * garments.LEG_LENGTH)
    closed = (outfit.gap == 0) & (outfit.skirt_of_top | (outfit.hem < 0.32))
    trunk = (part == sf.TORSO) & closed[:, None] & (along > 0.05 * garments.TRUNK_LENGTH)
    return under_sleeve | under_trousers | (trunk & (along < (0.94 - outfit.hem[:, None]) * garments.TRUNK_LENGTH))
