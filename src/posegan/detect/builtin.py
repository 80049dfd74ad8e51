"""The detector that comes with posegan: finds the one person of a photo, if they fill at least half its height.

Windows of several sizes all over the photo go through a small network for crops (crop_network.py); where it is surest
it looks again, closer. It finds one person at most: several people need another detector or a crop.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.detect.base import People, joint_boxes, nobody
from posegan.detect.crop_network import CropConfig, CropNetwork, joints_of
from posegan.detect.legs import legs_apart
from posegan.detect.windows import cut_windows, from_windows, grid_of_windows, middle_windows, windows_around
from posegan.errors import UserError, unknown_name
from posegan.pose import COCO18, Pose
from posegan.weights import read_weights, tell_licence

SHIPPED = ("detector-market-research", "detector-synthetic")
THRESHOLD = 0.5  # of a joint: the network says of each how probably the annotator would have seen it
LEAST = 0.35  # of a person; how it was chosen: docs/detect.md
SURE = 0.5  # of a person in the middle, for whom no more windows are looked at
HEIGHT = 256  # pixels of the photo that is searched: people in it are as large as in the network's crops, or larger
WIDEST = 8  # times as wide as high: in wider photos nobody is looked for, with windows by the thousand
CLOSER = 4  # windows that are looked at again
ROUNDS = 2  # of looking again
BATCH = 64


class Builtin:
    """The detector `builtin`.

    weights: one of SHIPPED or a file of recipes/detector/train.py; None: the first that this copy of posegan has.
    threshold: joints that are less surely seen are missing. least: people of a lower score are nobody.
    Raises UserError if there are no such weights.
    """

    name = "builtin"

    def __init__(self, weights: str | Path | None = None, threshold: float = THRESHOLD, least: float = LEAST) -> None:
        path = self.path = _find(weights)
        self.info, tensors = read_weights(path)
        if self.info.model != "detector":
            raise UserError(f"{path} holds no detector but the model {self.info.model!r}: give a file of a detector.")
        self.network = CropNetwork(CropConfig(**self.info.config)).eval().requires_grad_(False)
        try:
            self.network.load_state_dict(tensors)
        except RuntimeError as error:
            raise UserError(f"{path} does not fit this version's detector: train it again.") from error
        self.threshold, self.least = threshold, least
        tell_licence(path.stem, self.info.licence)

    @torch.inference_mode()
    def __call__(self, photo: Tensor) -> People:
        """Return the person of a photo (3, H, W) uint8, or nobody."""
        if photo.shape[-1] > WIDEST * photo.shape[-2]:
            return nobody()
        scale = HEIGHT / photo.shape[-2]
        width = max(1, round(photo.shape[-1] * scale))
        small = F.interpolate(photo[None].float(), (HEIGHT, width), mode="bilinear", antialias=scale < 1)
        small = small[0].round().clamp(0, 255).to(torch.uint8)
        size = HEIGHT, width
        windows, score = self._closer(small, middle_windows(size))
        if score < SURE:
            elsewhere, other = self._closer(small, grid_of_windows(size))
            windows, score = (elsewhere, other) if other > score else (windows, score)
        xy, seen, found = self.read(small, windows, mirrored=True)
        kept = found >= self.least
        pose = Pose(xy, seen >= self.threshold).resize(size, (photo.shape[-2], photo.shape[-1]))[kept]
        return People(pose, seen[kept], found[kept], joint_boxes(pose))

    def _closer(self, photo: Tensor, windows: Tensor) -> tuple[Tensor, float]:
        """Return the window (1, 3) around the surest person that these windows lead to, and how sure."""
        xy, seen, score = self.read(photo, windows)
        for _ in range(ROUNDS):
            first = score.topk(min(CLOSER, len(score))).indices
            windows = windows_around(Pose(xy[first], seen[first] >= self.threshold))
            xy, seen, score = self.read(photo, windows)
        best = score.argmax()
        return windows[best][None], float(score[best])

    def read(self, photo: Tensor, windows: Tensor, mirrored: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return what `judged` says of windows (N, 3); mirrored: of the mean of what is seen there and in a mirror."""
        parts = []
        for some in windows.split(BATCH):
            crops = cut_windows(photo, some)
            maps, seen = self.network(crops)
            if mirrored:
                other, other_seen = turned(*self.network(crops.flip(-1)))
                maps, seen = (maps + other) / 2, (seen + other_seen) / 2
            parts.append(judged(maps, seen, some))
        xy, sure, score = (torch.cat(kind) for kind in zip(*parts, strict=True))
        return xy, sure, score


def turned(maps: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return maps (..., 18, h, w) and logits (..., 18) of mirrored crops as those of the crops themselves."""
    order = list(COCO18.flip)
    return maps.flip(-1)[..., order, :, :], seen[..., order]


def judged(maps: Tensor, seen: Tensor, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return joints (N, 18, 2) in the photo, how surely each is seen (N, 18) and a score (N,), of windows (N, 3).

    maps, seen: what the network says of them. The score is the mean over the joints of how surely they are seen, times
    the share of their maps that says where.
    """
    xy, decided = legs_apart(maps, *joints_of(maps))
    sure = seen.sigmoid()
    return from_windows(xy, windows), sure, (sure * decided).mean(1)


def _find(weights: str | Path | None) -> Path:
    folder = Path(str(resources.files("posegan") / "assets" / "detectors"))
    there = {file.stem: file for file in sorted(folder.glob("*.safetensors"))}
    if weights is None:
        weights = next((name for name in SHIPPED if name in there), "")
        if not weights:
            raise UserError("This copy of posegan holds no detector's weights: give a file of detector weights.")
    path = Path(weights)
    if path.suffix == ".safetensors" or path.is_file():
        return path
    if str(weights) not in there:
        raise unknown_name("detector weights", str(weights), [*there, "a .safetensors file"])
    return there[str(weights)]
