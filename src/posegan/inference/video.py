"""Video files in and out, through PyAV, which is installed only with posegan[video]. GIFs are written by images.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.errors import UserError
from posegan.files import atomic_writer
from posegan.images import to_bytes

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"})
MOST_FRAMES = 3000  # of a video that is read: more would fill the memory with what nobody waits for
QUALITY = "16"  # x264's constant rate factor; lower is better, 18 is said to look lossless


def _av(path: Path) -> ModuleType:
    try:
        import av
    except ModuleNotFoundError as error:
        raise UserError(
            f"{path} needs the package av: pip install 'posegan[video]', or use a GIF or photos."
        ) from error
    return av


def open_video(path: str | Path) -> tuple[float, Iterator[Tensor]]:
    """Return the frames a second of a video file and its first MOST_FRAMES frames, upright, (3, h, w) uint8 each.

    Raises UserError if the file cannot be read, or the package av is missing.
    """
    path = Path(path)
    av = _av(path)
    if not path.is_file():
        raise UserError(f"There is no video {path}: check the path.")
    try:
        with av.open(str(path)) as file:
            if not file.streams.video:
                raise UserError(f"{path} holds no pictures: give a video file.")
            rate = float(file.streams.video[0].average_rate or 25)
    except av.FFmpegError as error:
        raise UserError(f"{path} is not a readable video ({error.strerror}): convert it to MP4 first.") from error
    return rate, _frames(path, av)


def _frames(path: Path, av: ModuleType) -> Iterator[Tensor]:
    try:
        with av.open(str(path)) as file:
            for number, frame in enumerate(file.decode(video=0)):
                if number == MOST_FRAMES:
                    return
                image = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
                yield torch.rot90(image, frame.rotation // 90, (1, 2))  # a phone held upright writes lying frames
    except av.FFmpegError as error:
        raise UserError(f"{path} is damaged ({error.strerror}): convert it to MP4 first.") from error


def write_mp4(path: str | Path, frames: Tensor, rate: float, metadata: Mapping[str, str] | None = None) -> None:
    """Write frames (T, 3, H, W), uint8 or in [-1, 1], as an MP4 (H.264), whole or not at all.

    The last row or column is repeated where H or W is odd. metadata: tags of the file.
    Raises UserError if the package av is missing.
    """
    path = Path(path)
    av = _av(path)
    height, width = frames.shape[-2:]
    tags = {"movflags": "use_metadata_tags"}  # MP4 would drop all but a few
    with atomic_writer(path) as out, av.open(out, "w", format="mp4", options=tags) as file:
        for key, value in (metadata or {}).items():
            file.metadata[key] = value
        stream = file.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        stream.height, stream.width = height + height % 2, width + width % 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": QUALITY}
        for image in frames:
            even = F.pad(to_bytes(image).float(), (0, width % 2, 0, height % 2), mode="replicate").to(torch.uint8)
            pixels = even.permute(1, 2, 0).contiguous().numpy()
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode())
