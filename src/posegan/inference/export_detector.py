"""The built-in detector for a page without a server: its network as ONNX, and the numbers by which it is searched with.

The file looks into windows of a photo; where to look next is the caller's work: web/src/search.ts does what
detect/builtin.py does. The page itself is written by app/web_export.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from posegan.detect import Builtin, builtin, windows
from posegan.detect.crop_network import CropNetwork
from posegan.detect.windows import cut_windows, grid_of_windows
from posegan.errors import UserError
from posegan.files import sha256_of
from posegan.inference.export import to_onnx, with_metadata
from posegan.inference.onnx_generator import ExportInfo, open_session
from posegan.models.base import count_parameters

PART = "detector"
PIXELS, SURE = 0.01, 1e-4  # how far joints may lie from torch's, and how sure they are; the shipped: 1e-4 and 4e-7
WIDTHS = (64, 200)  # of photos with which the file is compared with torch
OUTSIDE = ((-150.0, -200.0, 400.0), (30.0, 90.0, 1.0))  # windows that reach far out, or are hardly there

PLAIN, MIRRORED = (False,), (False, True)


class Look(nn.Module):
    """Photo and windows -> joints, how surely each is seen, and scores, as `Builtin` finds them."""

    def __init__(self, network: CropNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor, places: Tensor, mirrored: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what windows (N, 3) of a photo (3, HEIGHT, W) uint8 show.

        mirrored: (V,) bool, for each look into a window whether it is into a mirror; the mean of the looks counts.
        """
        looks = mirrored.shape[0]
        crops = cut_windows(photo, places)
        crops = torch.where(mirrored[:, None, None, None, None], crops.flip(-1), crops)  # (V, N, 3, 128, 64)
        maps, seen = (part.unflatten(0, (looks, -1)) for part in self.network(crops.flatten(0, 1)))
        turned_maps, turned_seen = builtin.turned(maps, seen)
        maps = torch.where(mirrored[:, None, None, None, None], turned_maps, maps).mean(0)
        seen = torch.where(mirrored[:, None, None], turned_seen, seen).mean(0)
        return builtin.judged(maps, seen, places)


def export_detector(detector: Builtin) -> bytes:
    """Return the network of a detector as an ONNX file for photos of any width and any number of windows and looks.

    Raises UserError if a package is missing, or the network does not export, or not right.
    """
    width, count, looks = (torch.export.Dim(name, min=1) for name in ("width", "count", "looks"))
    photo, places = _example(WIDTHS[0])
    given = photo, places[:3], torch.tensor([False, True, False])  # no size of 1, or torch takes it to be fixed
    data = to_onnx(
        Look(detector.network),
        given,
        ({2: width}, {0: count}, {0: looks}),
        ("photo", "windows", "mirrored"),
        ("joints", "seen", "score"),
    )
    away, unlike = differences(detector, data)
    if not (away <= PIXELS and unlike <= SURE):  # nor NaN
        raise UserError(
            f"{detector.path} as ONNX differs from torch by {away:.2g} pixels and {unlike:.2g} in how sure it is, more "
            f"than {PIXELS} and {SURE}."
        )
    said = ExportInfo(detector.info, sha256_of(detector.path), count_parameters(detector.network))
    return with_metadata(data, said.metadata(PART))


def differences(detector: Builtin, data: bytes) -> tuple[float, float]:
    """Return by how much onnxruntime's and torch's joints differ at most, in pixels, and how sure they are."""
    session = open_session(data, PART)
    away = unlike = 0.0
    for width in WIDTHS:
        photo, places = _example(width)
        for looks in (PLAIN, MIRRORED):
            with torch.inference_mode():
                wanted = detector.read(photo, places, mirrored=looks == MIRRORED)
            xy, *sure = (
                (torch.from_numpy(found) - value).abs().max()
                for found, value in zip(run(session, photo, places, looks), wanted, strict=True)
            )
            away, unlike = max(away, float(xy)), max(unlike, *map(float, sure))
    return away, unlike


def run(session: Any, photo: Tensor, places: Tensor, looks: Sequence[bool]) -> list[Any]:
    """Return the joints, how surely each is seen, and the scores that an onnxruntime session of the file finds."""
    given = {"photo": photo, "windows": places, "mirrored": torch.tensor(looks)}
    found: list[Any] = session.run(None, {name: value.contiguous().numpy() for name, value in given.items()})
    return found


def _example(width: int) -> tuple[Tensor, Tensor]:
    """Return a photo of soft blots, and windows all over it and out of it."""
    size = builtin.HEIGHT, width
    blots = torch.rand(1, 3, 16, max(2, width // 16), generator=torch.Generator().manual_seed(width))
    photo = (255 * nn.functional.interpolate(blots, size, mode="bilinear")[0]).to(torch.uint8)
    return photo, torch.cat([grid_of_windows(size)[::7], torch.tensor(OUTSIDE)])


def search_rules() -> dict[str, Any]:
    """Return the numbers by which the built-in detector decides where to look, and who is somebody."""
    return {
        "height": builtin.HEIGHT,
        "widest": builtin.WIDEST,
        "threshold": builtin.THRESHOLD,
        "least": builtin.LEAST,
        "sure": builtin.SURE,
        "closer": builtin.CLOSER,
        "rounds": builtin.ROUNDS,
        "batch": builtin.BATCH,
        "windows": {
            "aspect": windows.ASPECT,
            "room": windows.ROOM,
            "wide": windows.WIDE,
            "steps": windows.STEPS,
            "heights": windows.HEIGHTS,
            "out": windows.OUT,
            "middle": windows.MIDDLE,
            "limits": windows.LIMITS,
        },
    }
