"""A person of one photo through a sequence of poses: encoded once, rendered in batches, written as GIF or MP4.

Where sequences come from is in inference/sequence_files.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.files import sha256_of
from posegan.images import scaled, tile, to_bytes, to_signed, write_gif
from posegan.inference.finder import PersonFinder
from posegan.inference.framing import fit_photo
from posegan.inference.matte import matte, over
from posegan.inference.output import files_among, out_picture, photo_paths, provenance
from posegan.inference.paste import PersonInPhoto
from posegan.inference.predictor import Person, PoseGiven, Predictor, read_people
from posegan.inference.sequence_files import FoundSequence, find_sequence
from posegan.inference.sequences import PoseSequence, fit_sequence, follow
from posegan.inference.targets import fit_body, fit_in_place, with_guesses
from posegan.inference.video import write_mp4
from posegan.metrics.flicker import flicker
from posegan.places import FILM
from posegan.pose import Pose, draw_pose
from posegan.pose.smooth import smooth

AT_ONCE = 16  # poses that pass through the generator together
LARGEST = (720, 1280)  # (H, W) of the frames of a full photo
CLEAREST = 4  # one frame in so many, those in which a pixel shows least of the person, makes the background

Background = Literal["steady", "photo", "generated"]


@dataclass(frozen=True)
class Animation:
    """T frames (T, 3, H, W) uint8, their poses (T,), the seconds of one round, and what was measured and guessed.

    flicker: outside the body and on it, see posegan.metrics.flicker; None for a single frame. cut: how many frames do
    not show joints that were asked for, since these would lie outside.
    """

    frames: Tensor
    poses: Pose
    seconds: float
    flicker: tuple[float, float] | None
    guessed: tuple[str, ...]
    cut: int = 0


def animate(
    predictor: Predictor,
    source: Tensor,
    source_pose: Pose,
    sequence: PoseSequence,
    *,
    others: Sequence[Person] = (),
    retarget: bool = True,
    guess: bool = False,
    smoothing: bool = True,
    background: Background = "steady",
    carry: bool = True,
) -> Animation:
    """Return the person of a photo in every pose of a sequence.

    source (3, H, W) in [-1, 1] and source_pose () as from `Predictor.prepare`; with the background "photo" the photo
    may have any size, which the frames then have too. others: more photos of the person, (3, h, w) uint8 with poses.
    retarget: with the limb lengths of the photo's person.
    guess: put missing joints where they probably are. smoothing: of the keypoints, over time.
    background: "generated" with every frame, "steady", the same one in all, see `behind`, or "photo", the photo's own,
        before which the person walks where they stood and is as tall. carry: then as in `PersonInPhoto`.
    """
    poses = sequence.poses
    guessed: tuple[str, ...] = ()
    if guess:
        poses, guessed = with_guesses(poses, sequence.size)
    if smoothing:
        poses = smooth(poses, len(poses) / sequence.seconds)
    size = source.shape[-2], source.shape[-1]
    targets = fit_sequence(follow(PoseSequence(poses, sequence.size, sequence.seconds)), size)
    asked = targets.visible
    if background == "photo":  # there the person stands somewhere
        targets = fit_in_place(targets, source_pose, size, limbs=retarget)
        shown = PersonInPhoto(predictor, to_bytes(source), source_pose, targets, others=others, carry=carry)
        frames = torch.stack([shown.show(targets[i]) for i in range(len(targets))])
    else:
        targets = fit_body(targets, source_pose, size) if retarget else targets
        encoded = predictor.encode_person(source, source_pose, others)
        few = [targets[i : i + AT_ONCE] for i in range(0, len(targets), AT_ONCE)]
        made = torch.cat([predictor.render_person(encoded, poses).cpu() for poses in few])
        frames = to_bytes(steady(made, targets) if background == "steady" else made)
    measured = flicker(frames, targets) if len(frames) > 1 else None
    cut = int((asked & ~targets.visible).any(1).sum())
    return Animation(frames, targets, sequence.seconds, measured, guessed, cut)


def steady(frames: Tensor, poses: Pose) -> Tensor:
    """Return frames (T, 3, H, W) in [-1, 1] of poses (T,) with one background: what is `behind` the person."""
    share = matte(poses, (frames.shape[-2], frames.shape[-1]))
    return over(frames, behind(frames, share), share)


def behind(frames: Tensor, share: Tensor) -> Tensor:
    """Return what is behind the person of frames (T, 3, H, W), who has the share (T, H, W) of their pixels.

    (1, 3, H, W): at every pixel the median of the quarter of the frames that have least of the person there. What the
    person of a photo carries, or what hides them, is not in it, unlike in the photo's own background.
    """
    count = max(1, len(frames) // CLEAREST)
    order = share.argsort(dim=0, stable=True)[:count, None].expand(-1, 3, -1, -1)
    return frames.gather(0, order).median(0).values[None]


def animate_file(
    predictor: Predictor,
    photo: str | Path | Sequence[str | Path],
    poses: str | Path,
    out: str | Path,
    *,
    source_pose: PoseGiven | Sequence[PoseGiven] | None = None,
    rate: float | None = None,
    finder: PersonFinder | None = None,
    retarget: bool = True,
    guess: bool = False,
    smoothing: bool | None = None,
    background: Background = "steady",
    paste: bool = False,
    carry: bool = True,
    beside: bool = False,
    metadata: bool = True,
) -> tuple[Animation, FoundSequence]:
    """Write the photo's person in a sequence of poses as a GIF or MP4, by the ending of `out`.

    photo, source_pose: as `read_people`; the first of several photos is the one that is shown.
    poses, rate: as `find_sequence`. finder: finds the person of the photo, its detector those of the poses.
    smoothing: None smooths all but bundled sequences, which are smooth. paste: show the full photo, no
    larger than LARGEST, with its own background. beside: show the photo and the pose beside each
    frame. metadata: say in the file that it is generated, with which weights and from which photo. The other arguments
    are those of `animate`.
    Raises UserError as `find_sequence` and `Predictor.prepare`, or if `out` cannot be written or is one of the inputs.
    """
    photos, path = photo_paths(photo), out_picture(out, FILM, files_among(photo, poses, source_pose))
    (image, own_pose), *others = read_people(photos, source_pose, finder)
    if paste:
        background = "photo"
        source, own_pose = _shrunk(image, own_pose)
    else:
        image, own_pose = fit_photo(image, own_pose, predictor.size)
        source = to_signed(image)
    found = find_sequence(poses, own_pose, rate, finder.detector if finder else None)
    made = animate(
        predictor,
        source,
        own_pose,
        found.sequence,
        others=others,
        retarget=retarget,
        guess=guess,
        smoothing=not found.bundled if smoothing is None else smoothing,
        background=background,
        carry=carry,
    )
    shown = _beside(made, source) if beside else made.frames
    carried = background == "photo" and carry
    first, *more = (sha256_of(path) for path in photos)
    said = provenance(predictor, first, others=more, carried=carried) if metadata else {}
    if made.guessed and metadata:
        said["posegan:guessed-joints"] = ", ".join(made.guessed)
    if path.suffix.lower() == ".gif":
        write_gif(path, list(shown), made.seconds / len(shown), said)
    else:
        write_mp4(path, shown, len(shown) / made.seconds, said)
    return made, found


def _shrunk(photo: Tensor, pose: Pose) -> tuple[Tensor, Pose]:
    """Return a photo (3, h, w) uint8 in [-1, 1] and its pose, made smaller if it is larger than LARGEST."""
    old = photo.shape[-2], photo.shape[-1]
    image, factor = to_signed(photo), min(LARGEST[0] / old[0], LARGEST[1] / old[1])
    if factor >= 1:
        return image, pose
    new = scaled(old, factor)
    return F.interpolate(image[None], new, mode="area")[0], pose.resize(old, new)


def _beside(made: Animation, source: Tensor) -> Tensor:
    """Return the frames with the photo and the pose at their left."""
    size, photo = (made.frames.shape[-2], made.frames.shape[-1]), to_bytes(source)
    rows = ((photo, draw_pose(made.poses[i], size), frame) for i, frame in enumerate(made.frames))
    return torch.stack([tile(torch.stack(row), 3) for row in rows])
