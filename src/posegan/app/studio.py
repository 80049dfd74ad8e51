"""The models at work: a person encoded once, then rendered in pose after pose. It knows nothing of HTTP.

Everything here runs on one thread, the server's worker: the models are not shared between threads.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posegan.app.photos import Photo, Source
from posegan.app.refusal import RefusedError
from posegan.data.folder import PersonCrop
from posegan.images import to_bytes, to_signed
from posegan.inference import EncodedPhotos, Predictor
from posegan.inference.framing import fit_photo, person_crop
from posegan.inference.judge import Judge, Judgement
from posegan.inference.paste import PersonInPhoto
from posegan.inference.predictor import shipped_weights
from posegan.pose import Pose
from posegan.weights import bundled_names, find_weights

ENCODED = 32  # photos whose features are kept, over all models; a MiB each at 128x64


@dataclass(frozen=True)
class Picture:
    """A generated picture (3, H, W) in [-1, 1], and how long the model took in milliseconds."""

    image: Tensor
    milliseconds: float


class Studio:
    """Predictors by name, and the features of the photos that were last used.

    `others` are more photos of a photo's person, with joints too; poses are never in their pixels.
    """

    def __init__(self, predictors: Mapping[str, Predictor]) -> None:
        self.predictors = dict(predictors)
        self._encoded: OrderedDict[tuple[str, ...], EncodedPhotos] = OrderedDict()

    def predictor(self, model: str) -> Predictor:
        """Return a model's predictor; raises RefusedError if there is none of that name."""
        if model not in self.predictors:
            raise RefusedError(f"There is no model {model[:60]!r} here: use one of {', '.join(self.predictors)}.", 404)
        return self.predictors[model]

    def crop(self, photo: Photo, model: str) -> PersonCrop:
        """Return which part of the photo a model sees; raises RefusedError if the photo has no joints."""
        return person_crop(_source(photo).pose.inside(photo.size), photo.size, self.predictor(model).size)

    def boxes(self, photo: Photo) -> dict[str, list[int]]:
        """Return for every model the part of the photo that it sees: [left, top, width, height] in pixels."""
        return {model: self.crop(photo, model).boxes[0].tolist() for model in self.predictors}

    def main_box(self, photo: Photo) -> list[int]:
        """Return the part of the photo that the first model sees; raises RefusedError if the photo has no joints."""
        box: list[int] = self.crop(photo, next(iter(self.predictors))).boxes[0].tolist()
        return box

    def render(self, photo: Photo, model: str, pose: Pose, others: Sequence[Photo] = ()) -> Picture:
        """Return the photo's person in a pose, which is in pixels of the photo; raises RefusedError as `targets`."""
        start = time.perf_counter()
        image = self.frames(photo, model, self.targets(photo, model, Pose.stack([pose])), others)[0]
        return Picture(image, 1000 * (time.perf_counter() - start))

    def targets(self, photo: Photo, model: str, poses: Pose) -> Pose:
        """Return poses (T,) in pixels of the photo in those of the model's pictures.

        Raises RefusedError if the model is unknown, the photo has no joints, or one of the poses is not in the picture.
        """
        targets = self.crop(photo, model).poses(poses).inside(self.predictor(model).size)
        seen = targets.visible.any(-1)
        if not seen.all():
            which = "this pose" if len(poses) == 1 else f"pose {int(seen.int().argmin()) + 1}"
            raise RefusedError(f"No joint of {which} lies in the picture: move the person back into it.")
        return targets

    def frames(self, photo: Photo, model: str, targets: Pose, others: Sequence[Photo] = ()) -> Tensor:
        """Return pictures (T, 3, H, W) in [-1, 1] of the photo's person in poses of `targets`."""
        return self.predictor(model).render_person(self._encode(photo, others, model), targets).cpu()

    def in_photo(self, photo: Photo, model: str, pose: Pose, others: Sequence[Photo] = ()) -> PersonInPhoto:
        """Return what shows the photo's person in a pose in the whole photo (3, h, w) uint8.

        Raises RefusedError as `targets`, or UserError as `PersonInPhoto`.
        """
        wanted = Pose.stack([pose])
        self.targets(photo, model, wanted)
        first, *more = ((one.pixels, _source(one).pose) for one in (photo, *others))
        return PersonInPhoto(self.predictor(model), *first, wanted, others=more)

    def judge(self, photo: Photo, model: str, pose: Pose, judge: Judge, others: Sequence[Photo] = ()) -> Judgement:
        """Return the verdicts on what `render` shows; raises RefusedError as it does."""
        targets = self.targets(photo, model, Pose.stack([pose]))
        picture = to_bytes(self.frames(photo, model, targets, others)[0])
        return judge(photo.pixels, _source(photo).pose, picture, targets[0])

    def _encode(self, photo: Photo, others: Sequence[Photo], model: str) -> EncodedPhotos:
        sources = [_source(one) for one in (photo, *others)]
        key = model, *(source.key for source in sources)
        if key in self._encoded:
            self._encoded.move_to_end(key)
            return self._encoded[key]
        predictor = self.predictor(model)
        image, pose = fit_photo(photo.pixels, sources[0].pose, predictor.size)
        more = [(other.pixels, source.pose) for other, source in zip(others, sources[1:], strict=True)]
        self._encoded[key] = encoded = predictor.encode_person(to_signed(image), pose, more)
        while sum(map(len, self._encoded.values())) > ENCODED and len(self._encoded) > 1:
            self._encoded.popitem(last=False)
        return encoded

    def describe(self) -> list[dict[str, Any]]:
        """Return what the page tells of each model, in the order in which they were given."""
        return [
            {
                "name": name,
                "model": predictor.info.model if predictor.info else "unknown",
                "size": list(predictor.size),
                "parameters": predictor.generator.parameter_count,
                "synthetic": predictor.info is not None and predictor.info.synthetic,
                "licence": predictor.info.licence if predictor.info else "",
            }
            for name, predictor in self.predictors.items()
        ]


def _source(photo: Photo) -> Source:
    if photo.source is None:
        raise RefusedError("The joints of this photo are not known yet: place them first.", 409)
    return photo.source


def load_predictors(weights: Sequence[str], device: str = "auto") -> dict[str, Predictor]:
    """Return predictors by a short name of their weights; no weights: all that are bundled, the default one first.

    Raises UserError as `Predictor.load`.
    """
    if not weights:
        first = shipped_weights()
        weights = [first, *(name for name in bundled_names() if name != first)]
    predictors: dict[str, Predictor] = {}
    for text in weights:
        predictor = Predictor.load(text, device, fast=True)
        predictors[_free_name(_short_name(find_weights(text)), predictors)] = predictor
    return predictors


def _short_name(path: Path) -> str:
    in_run_folder = path.stem == "weights"
    return (path.resolve().parent.name if in_run_folder else "") or path.stem


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


@torch.inference_mode()
def warm_up(studio: Studio, photo: Photo) -> None:
    """Render a photo once with every model: the first time is slower."""
    assert photo.source is not None
    for model in studio.predictors:
        studio.render(photo, model, photo.source.pose)
