"""Verdicts on a generated picture in plain words: is it the same person, and do they stand as asked?

Both are told of the picture cut around its person, at the size of the photos on which the verdicts were calibrated
(recipes/calibrate_scores.py). They judge pictures, not models: scores of models are in posegan.evaluation.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import torch
from torch import Tensor

from posegan.detect import Detector
from posegan.errors import UserError
from posegan.identity import SIZE, IdentityEmbedding
from posegan.identity.embedding import Likelihood
from posegan.inference.finder import PersonFinder
from posegan.inference.framing import fit_photo
from posegan.pose import Pose
from posegan.pose.retarget import FACE
from posegan.weights import WeightsInfo

CUT = 0.2  # share of the joints that may lie outside a picture that is as asked, but never the whole face

Agreement = Literal["as asked", "doubtful", "not as asked"]


@dataclass(frozen=True)
class Judgement:
    """What is said of one picture; None: that was not looked at, or cannot be told.

    similarity: cosine of the embeddings of source photo and picture, -1 to 1. offset: see `pose_offset`; may be inf.
    outside: how many of the joints that were asked for lie outside the picture, where nobody can find them.
    """

    similarity: float | None = None
    person: Likelihood | None = None
    offset: float | None = None
    pose: Agreement | None = None
    outside: int = 0

    def sentences(self) -> dict[str, str]:
        """Return what is known of "person" and "pose", each in a few words with its number."""
        said = {}
        if self.similarity is not None:
            said["person"] = f"same person: {self.person} (similarity {self.similarity:.2f})"
        if self.offset is not None:
            verdict = self.pose or "not known for this detector"
            cut = f", {self.outside} outside the picture" if self.outside else ""
            said["pose"] = f"pose: {verdict} ({_distance(self.offset)}{cut})"
        return said

    def values(self) -> dict[str, float | str | None]:
        """Return the fields for JSON, numbers rounded to four digits; null where most joints were not found."""
        return {
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "person": self.person,
            "pose_offset": None if self.offset is None or self.offset == math.inf else round(self.offset, 4),
            "pose": self.pose,
            "joints_outside": self.outside,
        }


class Judge:
    """Judges pictures with an embedding, a detector, or both; what is None is left out."""

    def __init__(self, embedding: IdentityEmbedding | None = None, detector: Detector | None = None) -> None:
        self.embedding = embedding
        self.detector = detector

    @classmethod
    def beside(cls, info: WeightsInfo | None, detector: Detector | None = None) -> Judge:
        """Return the judge of pictures of a model with the shipped embedding and a detector, by default the built-in.

        info: of the model's weights; beside those of synthetic people, which anybody may use for anything, the
        embedding, which is for research only, is left out.
        """
        free = info is not None and info.synthetic
        with contextlib.suppress(UserError):  # a copy of posegan without the detector's weights
            detector = PersonFinder(detector).network
        return cls(None if free else IdentityEmbedding.load(), detector)

    def __call__(self, photo: Tensor, source: Pose, picture: Tensor, target: Pose) -> Judgement:
        """Return the verdicts on a picture (3, h', w') uint8 that was made of a photo (3, h, w) uint8.

        source, target: the poses () of the person in the photo and, as asked for, in the picture, in pixels of each.
        Raises UserError if no joint of either lies in its picture.
        """
        made, wanted = fit_photo(picture, target, SIZE)
        similarity = person = offset = pose = None
        if self.embedding is not None:
            own, _ = fit_photo(photo, source, SIZE)
            first, second = self.embedding(torch.stack([own, made]))
            similarity = float(first @ second)
            person = self.embedding.limits.verdict(similarity)
        if self.detector is not None:
            people = self.detector(made)
            found = people.pose[0] if len(people) else Pose(torch.zeros(18, 2), torch.zeros(18, dtype=torch.bool))
            offset = pose_offset(found, wanted)
            pose = agreement(self.detector.name, offset)
        cut = target.outside((picture.shape[-2], picture.shape[-1]))
        outside, face = int(cut.sum()), list(FACE)
        headless = bool(cut[face].any()) and torch.equal(cut[face], target.visible[face])
        if pose == "as asked" and (headless or outside > CUT * int(target.visible.sum())):
            pose = "doubtful"
        return Judgement(similarity, person, offset, pose, outside)


def pose_offset(found: Pose, wanted: Pose) -> float:
    """Return how far the joints found lie from those wanted (): the median distance over the body's larger extent.

    Counted are the visible joints of `wanted`; one that was not found is infinitely far, so that the value is infinite
    if more than half of them are missing.
    """
    there = wanted.xy[wanted.visible]
    gap = (found.xy - wanted.xy).norm(dim=-1).masked_fill(~found.visible, torch.inf)[wanted.visible]
    extent = (there.amax(0) - there.amin(0)).amax().clamp(min=1)
    return float(gap.median() / extent)


def agreement(detector: str, offset: float) -> Agreement | None:
    """Return what a detector's offset means, None for a detector that was not calibrated.

    'as asked': no farther off than that detector is on 9 of 10 real photos of the pose. 'not as asked': farther than
    on 97 of 100, or most joints are not found. Real photos in which it finds fewer than half the joints do not count.
    """
    limits = _limits().get(detector)
    if limits is None:
        return None
    if offset <= limits["as_asked"]:
        return "as asked"
    return "doubtful" if offset <= limits["doubtful"] else "not as asked"


@functools.cache
def _limits() -> dict[str, dict[str, float]]:
    """Return the offsets of real photos, by detector, from recipes/calibrate_scores.py."""
    text = (resources.files("posegan") / "assets" / "pose_offsets.json").read_text(encoding="utf-8")
    limits: dict[str, dict[str, float]] = json.loads(text)
    return limits


def _distance(offset: float) -> str:
    if offset == math.inf:
        return "most joints not found"
    return f"joints {100 * offset:.1f} % of the body's height off"
