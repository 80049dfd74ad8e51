"""What the steps of the learning path share apart from their subject: options, mistakes, and where the picture goes.

Each step is one function from `Options` to a figure; `run` makes a program of it. Nothing here is worth learning.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, PngImagePlugin

from posegan.cli.parser import Parser, positive
from posegan.errors import UserError
from posegan.files import write_bytes

try:
    from matplotlib.figure import Figure as Figure
except ModuleNotFoundError:
    sys.exit("The learning path draws with matplotlib, which is not installed: pip install -e '.[learn]'")

MADE_BY = "posegan learning path"  # written into each picture, so that a later run knows it for its own


@dataclass(frozen=True)
class Options:
    """What the command line of a step says."""

    data: Path | None
    download: bool
    out: Path
    steps: int  # updates of each network's parameters
    seed: int


def run(
    step: Callable[[Options], Figure], steps: int, text: str, read_next: str, argv: Sequence[str] | None = None
) -> int:
    """Run a step as a program and return its exit status: 0, 2 for a user's mistake, 130 for Ctrl-C.

    steps: the default number of updates. text: the step's docstring, shown by --help. read_next: printed at the end.
    """
    name = step.__module__ if step.__module__ != "__main__" else Path(sys.argv[0]).stem
    try:
        options = _parse(name, steps, text, argv)
        require_own(options.out)
        start = time.perf_counter()
        figure = step(options)
        save(figure, options.out)
        print(f"\nPicture: {options.out} ({time.perf_counter() - start:.0f} seconds in all)")
        print("\nRead next", read_next.rstrip(), sep="")
    except UserError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name}: stopped.", file=sys.stderr)
        return 130
    return 0


def _parse(name: str, steps: int, text: str, argv: Sequence[str] | None) -> Options:
    parser = Parser(prog=f"{name}.py", description=text.strip().splitlines()[0], allow_abbrev=False)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder of torchvision's data set, to use instead")
    parser.add_argument("--download", action="store_true", help="fetch that data set into FOLDER first")
    parser.add_argument("--out", type=Path, metavar="PNG", default=Path("out", "learning_path", f"{name}.png"))
    parser.add_argument("--steps", type=positive, default=steps, help="updates of each network (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other luck (default: %(default)s)")
    given = parser.parse_args(argv)
    if given.seed < 0:
        raise UserError(f"--seed is {given.seed}: give 0 or more.")
    if given.download and given.data is None:
        raise UserError("--download needs a place for the files: give --data FOLDER too.")
    if given.out.suffix.lower() != ".png":
        raise UserError(f"--out is {given.out}, but the picture is a PNG: give a name that ends in .png.")
    return Options(given.data, given.download, given.out, given.steps, given.seed)


def require_own(path: Path) -> None:
    """Raise UserError, before minutes of training, if a file of that name is not a picture of the learning path."""
    if not path.exists():
        return
    try:
        with Image.open(path) as picture:
            own = picture.info.get("Software") == MADE_BY
    except (OSError, SyntaxError):
        own = False
    if not own:
        raise UserError(f"{path} exists and is no picture of the learning path: give another name with --out.")


def save(figure: Figure, path: Path, colours: int | None = None) -> None:
    """Write a figure as PNG, whole or not at all, with a mark that tells it is ours; few colours make a small file."""
    drawn, data, mark = io.BytesIO(), io.BytesIO(), PngImagePlugin.PngInfo()
    figure.savefig(drawn, format="png", dpi="figure")
    picture = Image.open(drawn).convert("RGB")
    if colours is not None:
        picture = picture.quantize(colours, dither=Image.Dither.NONE)
    mark.add_text("Software", MADE_BY)
    picture.save(data, "PNG", pnginfo=mark, optimize=True)
    try:
        write_bytes(path, data.getvalue())
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): give another name with --out.") from error
