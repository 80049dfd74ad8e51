"""The photos that people gave to the server: read with limits, kept in memory only, the oldest dropped first.

A photo is known by a random name and only to the session that brought it. Nothing is written to disk.
"""

from __future__ import annotations

import functools
import hashlib
import io
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from PIL import Image
from torch import Tensor

from posegan.app.refusal import RefusedError
from posegan.errors import UserError
from posegan.files import BROKEN_PICTURE
from posegan.images import FORMATS, decode_photo, from_pil, png_bytes, scaled, to_pil
from posegan.inference.finder import SMALLEST
from posegan.pose import Pose, Size

UPLOAD = 32 * 2**20  # bytes of a file
PIXELS = 52_000_000  # of a file: telephones make 50 million
SIDE = 1280  # photos are kept with at most this many pixels on the longer side
LOSSLESS = 512 * 512  # pixels up to which a browser is shown the photo as a PNG


@dataclass(frozen=True, eq=False)
class Source:
    """Where a photo's joints are; a changed pose is a new Source, so that features are encoded once for each."""

    pose: Pose
    key: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(eq=False)
class Photo:
    """One photo: pixels (3, h, w) uint8, upright; original: (h, w) of the file; origin: its sha256, or what it is.

    source: None until the joints are known. drawn: whether it is one of the examples, whose pixels are there anyway.
    """

    pixels: Tensor
    original: Size
    origin: str
    source: Source | None = None
    drawn: bool = False

    @property
    def size(self) -> Size:
        """(h, w) as it is kept, in whose pixels all its poses are."""
        return self.pixels.shape[-2], self.pixels.shape[-1]

    @functools.cached_property
    def shown(self) -> tuple[bytes, str]:
        """The file that a browser shows, and its media type."""
        if self.size[0] * self.size[1] <= LOSSLESS:
            return png_bytes(self.pixels), "image/png"
        file = io.BytesIO()
        to_pil(self.pixels).save(file, "JPEG", quality=90)
        return file.getvalue(), "image/jpeg"


def read_upload(data: bytes) -> Photo:
    """Return the photo of a file, upright and on white, made smaller if it is large.

    Raises RefusedError if it is no picture of FORMATS or damaged, or, before it is unpacked, if it has too many PIXELS.
    """
    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as header:
            width, height = header.size
    except (*BROKEN_PICTURE, Image.DecompressionBombError) as error:
        raise RefusedError("This is no photo that posegan reads: save it as JPEG, PNG or WebP first.", 415) from error
    if width * height > PIXELS:
        raise RefusedError(
            f"This photo has {width} x {height} pixels; at most {PIXELS // 10**6} million are taken: make it smaller.",
            413,
        )
    try:
        pixels = decode_photo(data, "This file")
    except UserError as error:
        raise RefusedError(str(error), 415) from error
    kept = _at_most(pixels, SIDE)
    if kept.shape[-1] < SMALLEST[1] or kept.shape[-2] < SMALLEST[0]:
        raise RefusedError(
            f"This picture of {width} x {height} pixels is too small or too narrow to show a person: give one of at "
            f"least {SMALLEST[1]} x {SMALLEST[0]} pixels, cut to the person."
        )
    return Photo(kept, (pixels.shape[-2], pixels.shape[-1]), hashlib.sha256(data).hexdigest())


def _at_most(pixels: Tensor, side: int) -> Tensor:
    height, width = pixels.shape[-2:]
    if max(height, width) <= side:
        return pixels
    scale = side / max(height, width)
    rows, columns = scaled((height, width), scale)
    return from_pil(to_pil(pixels).resize((columns, rows), Image.Resampling.LANCZOS, reducing_gap=3))


class PhotoStore:
    """Photos by random name, at most `each` of one session and `total` of all; the longest unused goes first.

    Examples are counted by themselves: however many are tried, no photo that somebody brought goes for them.
    """

    def __init__(self, each: int = 12, total: int = 60) -> None:
        self._each, self._total = each, total
        self._photos: OrderedDict[tuple[str, str], Photo] = OrderedDict()
        self._lock = Lock()

    def add(self, session: str, photo: Photo) -> str:
        """Keep a photo and return its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._photos[session, name] = photo
            alike = [key for key, kept in self._photos.items() if kept.drawn == photo.drawn]
            own = [key for key in alike if key[0] == session]
            for key in {*own[: -self._each], *alike[: -self._total]}:
                del self._photos[key]
        return name

    def get(self, session: str, name: str) -> Photo:
        """Return a session's photo; raises RefusedError if it is not there, or another session's."""
        with self._lock:
            if (session, name) not in self._photos:
                raise RefusedError("This photo is no longer here: drop it again.", 404)
            self._photos.move_to_end((session, name))
            return self._photos[session, name]

    def person(self, session: str, name: str, others: Sequence[str] = ()) -> tuple[Photo, tuple[Photo, ...]]:
        """Return a session's photo and more photos of its person; raises RefusedError as `get`."""
        return self.get(session, name), tuple(self.get(session, other) for other in others)
