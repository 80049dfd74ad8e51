"""What the routes share: the models, the photos, and the threads on which each is worked with. It knows no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

import torch

from posegan.app.examples import Examples
from posegan.app.messages import pose_to_json
from posegan.app.newest import Newest
from posegan.app.photos import Photo, PhotoStore
from posegan.app.studio import Studio, warm_up
from posegan.app.turns import Turns
from posegan.app.uploads import Uploads
from posegan.detect import Detector
from posegan.errors import UserError
from posegan.identity import SIZE
from posegan.inference.finder import Box, PersonFinder
from posegan.inference.framing import fit_photo
from posegan.inference.judge import Judge, Judgement
from posegan.inference.output import provenance
from posegan.pose import Pose

STRANGER = "This may be somebody else (similarity {:.2f}): it is added, remove it if so."

P = ParamSpec("P")
T = TypeVar("T")


class Service:
    """The studio, the photos, the examples, the detector if there is one, and two threads."""

    def __init__(self, studio: Studio, detector: Detector | None) -> None:
        self.studio = studio
        self.detector = detector
        self.store = PhotoStore()
        self.examples = Examples(next(iter(studio.predictors.values())).size)
        self.uploads = Uploads()
        self.pages = 0
        self.in_motion: set[str] = set()  # sessions for which a GIF is being made
        self.one_motion = asyncio.Lock()
        self.in_photo = Newest()
        self.judgements = Newest()
        self._judges: dict[str, Judge] = {}
        self._models = Turns("posegan-models")
        self._files = ThreadPoolExecutor(1, "posegan-files")

    async def on_models(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the thread of the models."""
        return await asyncio.wrap_future(self._models.submit(partial(function, *args, **kwargs)))

    async def on_models_now(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the thread of the models before all that waits there: somebody drags."""
        return await asyncio.wrap_future(self._models.submit(partial(function, *args, **kwargs), urgent=True))

    async def on_files(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the thread that reads and draws photos."""
        return await asyncio.get_running_loop().run_in_executor(self._files, partial(function, *args, **kwargs))

    def judge(self, photo: Photo, model: str, pose: Pose, others: Sequence[Photo] = ()) -> Judgement:
        """Return the verdicts on a picture; its networks are loaded when the first one is asked for."""
        return self.studio.judge(photo, model, pose, self._judge(model), others)

    def doubt(self, photo: Photo, other: Photo) -> str | None:
        """Return a sentence if another photo seems to show somebody else.

        None too where no model's weights go with the embedding that tells people apart, or joints are not known.
        """
        if photo.source is None or other.source is None:
            return None
        embedding = None
        with contextlib.suppress(UserError):  # a copy of posegan without its weights
            embedding = next(filter(None, (self._judge(model).embedding for model in self.studio.predictors)), None)
        if embedding is None:
            return None
        cut = [
            fit_photo(one.pixels, source.pose, SIZE)[0]
            for one, source in ((photo, photo.source), (other, other.source))
        ]
        first, second = embedding(torch.stack(cut))
        similarity = float(first @ second)
        return STRANGER.format(similarity) if embedding.limits.verdict(similarity) == "unlikely" else None

    def _judge(self, model: str) -> Judge:
        if model not in self._judges:
            self._judges[model] = Judge.beside(self.studio.predictor(model).info, self.detector)
        return self._judges[model]

    async def provenance(
        self, model: str, photo: Photo, others: Sequence[Photo] = (), *, carried: bool = False
    ) -> dict[str, str]:
        """Return what a picture that a model made of a photo's person says of itself; carried: as `provenance`."""
        predictor, origins = self.studio.predictor(model), [other.origin for other in others]
        return await self.on_files(provenance, predictor, photo.origin, others=origins, carried=carried)

    def close(self) -> None:
        """Forget what still waits for the threads, and end them."""
        self._models.close()
        self._files.shutdown(wait=True, cancel_futures=True)

    def warm_up(self) -> None:
        """Make the first picture of every model, and look for a person, before anybody waits for it."""
        self._models.submit(lambda: warm_up(self.studio, self.examples.get(0)))
        if self.detector is not None:
            self._models.submit(partial(self.detector, self.examples.get(0).pixels))

    async def find_person(self, photo: Photo, box: Box | None = None) -> Pose | None:
        """Return the joints of the largest person, or of the largest in a box; None if nobody is seen or nobody looks.

        Raises UserError if the box is too small to show a person.
        """
        if self.detector is None:
            return None
        people = await self.on_models(PersonFinder(self.detector, box).people, photo.pixels, "the photo")
        return people.pose[0] if len(people) else None

    def keep(self, session: str, photo: Photo) -> dict[str, Any]:
        """Keep a photo and return what the page is told of it."""
        name = self.store.add(session, photo)
        return {
            "photo": name,
            "size": list(photo.size),
            "original": list(photo.original),
            "pose": None if photo.source is None else pose_to_json(photo.source.pose),
            "boxes": None if photo.source is None else self.studio.boxes(photo),
        }
