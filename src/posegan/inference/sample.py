"""People whom no photo shows, and people mixed from several photos: for models that are samplers. One sheet on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.images import tile, to_bytes, write_png
from posegan.inference.finder import JOINTS_REMEDY, PersonFinder
from posegan.inference.framing import Photo
from posegan.inference.output import out_picture, provenance
from posegan.inference.poses import FramedPose
from posegan.inference.predictor import Predictor
from posegan.models.base import MODELS, FactorSampler, Sampler, create_model
from posegan.pose import Pose, draw_poses

COLUMNS = 8  # people in a row of the sheet
AT_ONCE = 16  # people that pass through the generator together


@dataclass(frozen=True)
class Taken:
    """A photo that a factor is taken from, and its pose as `Predictor.prepare` takes it (None: found beside it)."""

    photo: Photo
    pose: Pose | FramedPose | str | Path | None = None


@dataclass(frozen=True)
class Sampled:
    """N people: images (N, 3, H, W) in [-1, 1], poses (N,), and the photos (P, 3, H, W) that factors came from."""

    images: Tensor
    poses: Pose
    photos: Tensor


@torch.inference_mode()
def sample_people(
    predictor: Predictor,
    count: int,
    *,
    pose: Pose | FramedPose | str | Path | None = None,
    seed: int = 0,
    **taken: Taken,
) -> Sampled:
    """Return `count` people; what is not given is drawn, and the same seed draws the same.

    pose: the target pose of all, as `Predictor.generate` takes it. taken: photos by the factor to take from them, for
    example foreground=Taken("a.png"), background=Taken("b.png").
    Raises UserError if the model cannot draw what is needed, or a photo or pose cannot be read.
    """
    generator, size, device = predictor.generator, predictor.size, predictor.device
    if not isinstance(generator, Sampler):
        name = repr(predictor.info.model) if predictor.info else "that is given"
        able = ", ".join(map(repr, _models_that_sample()))
        raise UserError(f"The model {name} draws no people of its own: give weights of one of {able}.")
    factors = generator if isinstance(generator, FactorSampler) else None
    given, photos = {}, [torch.empty(0, 3, *size)]
    for factor, part in taken.items():
        if factors is None or factor not in factors.factor_names:
            raise UserError(f"This model does not hold the {factor} apart from the rest: leave the {factor} out.")
        finder = PersonFinder(remedy=JOINTS_REMEDY.format(pose=f"{factor} pose"))
        photo, own_pose = predictor.prepare(part.photo, part.pose, finder)
        given[factor] = factors.factors(photo[None].to(device), Pose.stack([own_pose]).to(device))[factor]
        photos.append(photo[None])
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed % 2**63)
        if pose is not None:
            poses = Pose.stack([predictor.target(pose)] * count).to(device)
        elif factors is not None:
            poses = factors.sample_pose(count, size)
        else:
            raise UserError("This model draws people, but no poses: give a pose.")
        images = []
        for first in range(0, count, AT_ONCE):
            part_of_poses = poses[first : first + AT_ONCE]
            drawn = factors.sample(part_of_poses, size, given) if factors else generator.sample(part_of_poses, size)
            images.append(drawn.float().cpu())
    return Sampled(torch.cat(images), poses.to("cpu"), torch.cat(photos))


def sample_sheet(
    predictor: Predictor,
    out: str | Path,
    count: int,
    *,
    pose: Pose | FramedPose | str | Path | None = None,
    seed: int = 0,
    metadata: bool = True,
    **taken: Taken,
) -> None:
    """Write `count` people as one PNG, each below its pose, after a row of the photos that factors came from.

    The other arguments are those of `sample_people`. Raises UserError also if `out` is a folder, an input, or no PNG.
    """
    photos = [Path(part.photo) for part in taken.values() if isinstance(part.photo, str | Path)]
    poses = [Path(given) for given in (pose, *(part.pose for part in taken.values())) if isinstance(given, str | Path)]
    path = out_picture(out, inputs=[used for used in (*photos, *poses) if used.is_file()])
    people = sample_people(predictor, count, pose=pose, seed=seed, **taken)
    said = provenance(predictor, ", ".join(map(sha256_of, photos)) or "no photo")
    said["Description"] = "AI-generated: people sampled by posegan"
    write_png(path, _sheet(people), said if metadata else None)


def _models_that_sample() -> list[str]:
    with torch.device("meta"):
        return [name for name in MODELS.names() if isinstance(create_model(name).generator, Sampler)]


def _sheet(people: Sampled) -> Tensor:
    size = people.images.shape[-2], people.images.shape[-1]
    columns = min(COLUMNS, max(len(people.images), len(people.photos)))
    rows = [_whole_rows(to_bytes(people.photos), columns)]
    drawn, images = draw_poses(people.poses, size), to_bytes(people.images)
    for first in range(0, len(images), columns):
        rows += [_whole_rows(part[first : first + columns], columns) for part in (drawn, images)]
    return tile(torch.cat(rows), columns)


def _whole_rows(cells: Tensor, columns: int) -> Tensor:
    """Return cells (N, 3, H, W) uint8 with white ones added up to whole rows."""
    blank = cells.new_full((-len(cells) % columns, *cells.shape[1:]), 255)
    return torch.cat([cells, blank])
