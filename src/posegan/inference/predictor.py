"""`Predictor`: the only path from a photo and poses to re-posed photos; the commands and the evaluation all use it.

It writes no files. Where a pose comes from is in inference/poses.py, how a photo of any size meets the model's frame in
inference/framing.py.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from posegan.errors import UserError, unknown_name
from posegan.files import sha256_of
from posegan.images import PHOTO_SUFFIXES, to_pil, to_signed
from posegan.inference.finder import PersonFinder, photo_name
from posegan.inference.framing import Photo, fit_photo, fit_pose, load_photo
from posegan.inference.graphs import find_graphs, load_graphs
from posegan.inference.onnx_generator import is_exported, load_exported
from posegan.inference.poses import FramedPose, bundled_poses, find_pose, pose_beside
from posegan.inference.several import photo_shares
from posegan.inference.targets import fit_body
from posegan.layers.faster_convolutions import FasterConvolutions, wide
from posegan.models.base import Features, Generator, Output
from posegan.pose import Pose, Size
from posegan.weights import WeightsInfo, bundled_names, find_weights, load_model, root_of, tell_licence

PoseGiven = Pose | FramedPose | str | Path
Person = tuple[Tensor, Pose]  # a photo (3, h, w) uint8, and the pose () of its person in its pixels
SHIPPED = ("posegan-market-research", "posegan-synthetic")  # what is used when no weights are named, in this order


@dataclass(frozen=True)
class EncodedPhotos:
    """B photos after the source side of the generator: encoded once, rendered in as many poses as wanted.

    pose: theirs, in the generator's frame. size: (H, W) of the photos.
    """

    features: Features
    pose: Pose
    size: Size

    def __len__(self) -> int:
        return len(self.pose)


class Predictor:
    """Re-poses photos with one generator on one device, in evaluation mode and without gradients.

    generator: its weights are used as they are. size: (H, W) of the photos it was trained for.
    device: "auto" takes CUDA, then Apple's MPS, then the CPU. info, path: where the weights came from, if from a file.
    sha256: that of the weight file, if it is not the file of `path`.
    """

    def __init__(
        self,
        generator: Generator,
        size: Size,
        device: str | torch.device = "auto",
        info: WeightsInfo | None = None,
        path: Path | None = None,
        sha256: str | None = None,
    ) -> None:
        self.device = choose_device(device)
        self.generator = generator.to(self.device).eval()
        self.size = size
        self.info = info
        self.path = path
        self._sha256 = sha256
        self._fast = self.device.type == "cpu" and wide(self.generator)

    @classmethod
    def load(
        cls, name_or_path: str | Path | None = None, device: str | torch.device = "auto", *, fast: bool = False
    ) -> Predictor:
        """Return a predictor for bundled weights by name, a .safetensors file or a run folder, or an ONNX export.

        name_or_path: None takes the shipped weights. What `posegan export` wrote, an .onnx file or the folder of two,
        runs on onnxruntime, on the CPU. Weights for research only say so once, on the standard error.
        fast: bundled weights run on onnxruntime too, on the CPU and if it is installed: one photo is rendered sooner,
        nothing besides the picture is handed out.
        Raises UserError if there are no such weights, or as `posegan.weights.load_model` or `load_exported`.
        """
        path = find_weights(shipped_weights() if name_or_path is None else name_or_path)
        generator: Generator
        if is_exported(path):
            if str(device) not in ("auto", "cpu"):
                raise UserError(f"{path} runs on the CPU only: leave the device out, or give the .safetensors file.")
            device = "cpu"
            generator, exported = load_exported(path)
            info, sha256 = exported.weights, exported.sha256
        else:
            model, info = load_model(path)
            generator, sha256 = model.generator.to(memory_format=torch.channels_last), None
        tell_licence(path.stem, info.licence)
        height, width = info.config["size"]
        if fast and choose_device(device).type == "cpu" and (graphs := find_graphs(root_of(path))):
            generator, device = load_graphs(graphs, generator, (height, width)), "cpu"
        return cls(generator, (height, width), device, info, path, sha256)

    @functools.cached_property
    def sha256(self) -> str | None:
        """The sha256 of the weight file, None if the weights came from no file."""
        if self._sha256 is not None:
            return self._sha256
        return sha256_of(self.path) if self.path else None

    def repose(self, source: Tensor, source_pose: Pose, target_pose: Pose) -> Tensor:
        """Return photos (B, 3, H, W) in [-1, 1] of the people of `source`, alike in shape, in the target poses (B,).

        Both poses are in pixels of the (H, W) frame. The result lies on the predictor's device.
        Raises ValueError if the batch shapes differ, UserError if the weights are so large that pictures overflow.
        """
        return self._finite(self.output(source, source_pose, target_pose).image)

    @torch.inference_mode()
    def output(self, source: Tensor, source_pose: Pose, target_pose: Pose) -> Output:
        """Return the photos of `repose` together with the generator's intermediate results."""
        if not len(source) == len(source_pose) == len(target_pose):
            raise ValueError(f"{len(source)} photos, {len(source_pose)} source and {len(target_pose)} target poses")
        poses = source_pose.to(self.device), target_pose.to(self.device)
        with self._convolutions():
            output: Output = self.generator(source.to(self.device), *poses)
        return output

    @torch.inference_mode()
    def encode(self, source: Tensor, source_pose: Pose) -> EncodedPhotos:
        """Return photos (B, 3, H, W) in [-1, 1] with their poses (B,) ready to be rendered in many poses."""
        size = source.shape[-2], source.shape[-1]
        pose = self.generator.fit_pose(source_pose.to(self.device), size)
        with self._convolutions():
            features = self.generator.encode(self.generator.fit(source.to(self.device)), pose)
        return EncodedPhotos(features, pose, size)

    @torch.inference_mode()
    def render(self, encoded: EncodedPhotos, target_pose: Pose) -> Tensor:
        """Return encoded photos in the target poses (T,) as (T, 3, H, W) in [-1, 1].

        T poses for T photos, or any number of poses for one photo, which is then shown in each of them.
        """
        count, pose, features = len(target_pose), encoded.pose, encoded.features
        if len(encoded) == 1 and count != 1:
            features = tuple(f.expand(count, *f.shape[1:]) for f in features)
            pose = Pose(pose.xy.expand(count, -1, -1), pose.visible.expand(count, -1))
        if len(pose) != count:
            raise ValueError(f"{len(pose)} photos cannot be rendered in {count} poses")
        target = self.generator.fit_pose(target_pose.to(self.device), encoded.size)
        with self._convolutions():
            image = self.generator.render(features, pose, target).image
        return self._finite(self.generator.restore(image, encoded.size))

    @torch.inference_mode()
    def encode_person(self, source: Tensor, source_pose: Pose, others: Sequence[Person] = ()) -> EncodedPhotos:
        """Return one person ready for `render_person`: a photo (3, H, W) in [-1, 1] and its pose (), and more photos.

        others: of any size; they are cut to the person and to (H, W). Raises UserError if one has no joint in it.
        """
        size = source.shape[-2], source.shape[-1]
        more = [fit_photo(photo, pose, size) for photo, pose in others]
        photos = torch.stack([source, *(to_signed(photo).to(source.device) for photo, _ in more)])
        return self.encode(photos, Pose.stack([source_pose, *(pose for _, pose in more)]))

    @torch.inference_mode()
    def render_person(self, encoded: EncodedPhotos, target_pose: Pose) -> Tensor:
        """Return the one person whom K encoded photos show in poses (T,) as (T, 3, H, W) in [-1, 1].

        Each part of the body comes from the photos that show it from the side that a pose asks for, the surroundings
        from the first. Models other than posegan, and those that run on onnxruntime, take one photo for each pose.
        """
        if len(encoded) == 1:
            return self.render(encoded, target_pose)
        target = self.generator.fit_pose(target_pose.to(self.device), encoded.size)
        shares = photo_shares(encoded.pose, target, self.generator.fit_size(encoded.size))
        with self._convolutions():
            image = self.generator.render_together(encoded.features, encoded.pose, target, shares).image
        return self._finite(self.generator.restore(image, encoded.size))

    def _convolutions(self) -> contextlib.AbstractContextManager[object]:
        return FasterConvolutions() if self._fast else contextlib.nullcontext()

    def _finite(self, images: Tensor) -> Tensor:
        if not bool(images.isfinite().all()):  # NaN would be black, without a word
            raise UserError(
                f"{self.path or 'The generator'} makes no picture of this, its numbers overflow: take weights of an "
                "earlier step, or train again."
            )
        return images.float()

    def prepare(
        self,
        photo: Photo,
        source_pose: PoseGiven | None = None,
        finder: PersonFinder | None = None,
    ) -> tuple[Tensor, Pose]:
        """Return one photo of any size as (3, H, W) in [-1, 1] in the model's frame, and its pose there.

        photo: a path, a Pillow image, or a (3, h, w) tensor, uint8 or float in [-1, 1].
        source_pose: in the photo's pixels, or an OpenPose or annotation file; None looks beside the photo's file, and
        where nothing is, the finder looks in the photo. finder: None looks with the built-in detector.
        Raises UserError if the photo cannot be read, or if no pose is given or found.
        """
        image, pose = read_person(photo, source_pose, finder)
        image, pose = fit_photo(image, pose, self.size)
        return to_signed(image), pose

    def target(self, pose: PoseGiven) -> Pose:
        """Return a target pose in the model's frame; a `Pose` is in it already, else see `fit_pose`."""
        if isinstance(pose, str | Path):
            pose = find_pose(pose)
        return fit_pose(pose.pose, pose.size, self.size) if isinstance(pose, FramedPose) else pose.inside(self.size)

    def generate(
        self,
        photo: Photo | Sequence[Photo],
        pose: PoseGiven,
        source_pose: PoseGiven | Sequence[PoseGiven] | None = None,
        *,
        retarget: bool = True,
        finder: PersonFinder | None = None,
    ) -> Image.Image:
        """Return the photo's person in the pose, a picture of the model's size.

        photo, source_pose, finder: as `read_people`, one photo or several of one person. pose: a `Pose` in the model's
        frame, a `FramedPose` in its own, the name of a bundled pose, a photo, an OpenPose JSON file, or
        `file.csv:photo`.
        retarget: give a pose that is not a plain `Pose`, so another body's, the limb lengths of the photo's person.
        Raises UserError for anything that cannot be read or found.
        """
        first, *others = read_people(photo, source_pose, finder)
        image, found = fit_photo(*first, self.size)
        target = self.aim(pose, found, retarget=retarget)
        encoded = self.encode_person(to_signed(image), found, others)
        return to_pil(self.render_person(encoded, Pose.stack([target]))[0])

    def aim(self, pose: PoseGiven, source: Pose, *, retarget: bool = True) -> Pose:
        """Return the target pose that `generate` gives a person of the pose `source`, both in the model's frame.

        Raises UserError as `find_pose`, or if no joint of it lies in the picture.
        """
        target = self.target(pose)
        if retarget and not isinstance(pose, Pose):
            target = fit_body(Pose.stack([target]), source, self.size)[0]
        if not bool(target.visible.any()):
            raise UserError("No joint of the target pose lies in the picture: give another pose.")
        return target


def read_people(
    photo: Photo | Sequence[Photo],
    source_pose: PoseGiven | Sequence[PoseGiven] | None = None,
    finder: PersonFinder | None = None,
) -> list[Person]:
    """Return what `read_person` does for one photo, or for each of several photos of one person.

    source_pose: None, as many as photos, or one annotation file with a row for each of them.
    Raises UserError as `read_person`, or if there is no photo, or another number of poses.
    """
    photos = [photo] if isinstance(photo, str | Path | Image.Image | Tensor) else list(photo)
    one_for_all = isinstance(source_pose, str | Path) and Path(source_pose).suffix.lower() == ".csv"
    if source_pose is None or isinstance(source_pose, str | Path | Pose | FramedPose):
        poses = [source_pose] * (len(photos) if source_pose is None or one_for_all else 1)
    else:
        poses = list(source_pose)
    if not photos:
        raise UserError("There is no photo of the person: give one at least.")
    if len(poses) != len(photos):
        raise UserError(
            f"There are {len(photos)} photos of the person and {len(poses)} poses of theirs: give one for each, in the "
            "same order, or none, and a detector looks."
        )
    if len(photos) > 1 and finder is not None and (finder.box is not None or finder.person is not None):
        raise UserError(
            "A box, or the number of a person, says whom of one photo is meant: with several photos cut the person out "
            "of each, or give the joints of each."
        )
    return [read_person(one, its_pose, finder) for one, its_pose in zip(photos, poses, strict=True)]


def read_person(photo: Photo, source_pose: PoseGiven | None = None, finder: PersonFinder | None = None) -> Person:
    """Return a photo as (3, h, w) uint8 and the pose of its person in its pixels; arguments as `Predictor.prepare`.

    Raises UserError if the photo cannot be read, or if no pose is given or found.
    """
    image = load_photo(photo)
    if source_pose is None:
        looked_for = finder is not None and (finder.box is not None or finder.person is not None)
        found = pose_beside(photo) if isinstance(photo, str | Path) and not looked_for else None
        if found is None:
            source_pose = (finder or PersonFinder())(image, photo_name(photo))
        else:
            sys.stderr.write(f"{photo_name(photo)}: its joints are those of {found.file}\n")
            source_pose = found
    elif isinstance(source_pose, str | Path):
        if str(source_pose) in bundled_poses() or Path(source_pose).suffix.lower() in PHOTO_SUFFIXES:
            raise UserError(
                f"{source_pose} does not tell where the joints of {photo_name(photo)} are: give an OpenPose .json or "
                "an annotations .csv for it, or nothing, and a detector looks."
            )
        source_pose = find_pose(source_pose, photo_name=Path(photo).name if isinstance(photo, str | Path) else None)
    return image, source_pose.pose if isinstance(source_pose, FramedPose) else source_pose


def choose_device(name: str | torch.device) -> torch.device:
    """Return the device of that name, the fastest there is for "auto"; raises UserError if the machine has it not."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    known = ("auto", "cpu", "cuda", "mps")
    if isinstance(name, str) and name.partition(":")[0] not in known:
        raise unknown_name("device", name, known)
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
        raise UserError(f"This machine has no device {str(name)!r}: use 'auto' or 'cpu'.") from error
    return device


def shipped_weights() -> str:
    """Return the name of the weights used when none are named; raises UserError if this copy of posegan has none."""
    shipped = [name for name in SHIPPED if name in bundled_names()]
    if not shipped:
        raise UserError(
            "This copy of posegan holds no bundled weights: give weights, a .safetensors file or a run folder "
            "that `posegan train` wrote."
        )
    return shipped[0]
