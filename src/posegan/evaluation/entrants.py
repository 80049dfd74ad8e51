"""Which weights take part in a benchmark, and under which names. It measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posegan.errors import UserError
from posegan.evaluation.rows import Weights
from posegan.files import sha256_of
from posegan.models import MODELS
from posegan.pose import Size
from posegan.weights import WeightsInfo, bundled_names, find_weights, read_info

GENERIC = ("weights", "best", "last")  # file names in run folders, which say nothing: the folder names the row


@dataclass(frozen=True)
class Entrant:
    """Weights in a benchmark: the row that makes pictures with them, and what their file says."""

    row: Weights
    info: WeightsInfo
    size: Size


@dataclass
class Entrants:
    """Who takes part, and {name: why not} of those who were asked for and do not."""

    found: list[Entrant] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def find_entrants(weights: Sequence[str], models: Sequence[str], device: str) -> Entrants:
    """Return the weights of a benchmark, each file opened once to see what it is.

    weights: bundled names, files, run folders, or folders of run folders, each also as LABEL=PATH; none: the bundled
    ones. models: only weights of these registered models; none: of all.
    Raises UserError for weights or models that do not exist, and for two rows of one name.
    """
    for model in models:
        MODELS.get(model)
    entrants = Entrants()
    for label, path in [place for name in weights or bundled_names() for place in _places(name)]:
        info = read_info(path)
        if info.model not in MODELS.names():
            raise UserError(f"{path} is a {info.model!r}, no generator: give the weights of one.")
        if models and info.model not in models:
            continue
        if any(label == other.row.name for other in entrants.found):
            raise UserError(f"Two rows would be called {label!r}: name the weights apart as LABEL=PATH.")
        height, width = info.config["size"]
        row = Weights(label, path, sha256_of(path), info.model, device)
        entrants.found.append(Entrant(row, info, (height, width)))
    there = {entrant.info.model for entrant in entrants.found}
    entrants.left_out |= {f"the model {m}": "no weights of it were given." for m in models if m not in there}
    return entrants


def leave_out_other_sizes(entrants: Entrants, size: Size) -> None:
    """Keep only weights that are for photos (H, W), and say of the others why they are left out.

    Raises UserError if that leaves none.
    """
    for entrant in entrants.found:
        if entrant.size != size:
            made, found = (f"{height}x{width}" for height, width in (entrant.size, size))
            entrants.left_out[entrant.row.name] = f"it is for photos of {made} (height x width), the data has {found}."
    entrants.found = [entrant for entrant in entrants.found if entrant.size == size]
    if entrants.left_out and not entrants.found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in entrants.left_out.items())
        raise UserError(f"There is nothing to measure, give other weights. {reasons}")


def _places(name: str) -> list[tuple[str, Path]]:
    """Return (label, file) of what one of the weights names."""
    label, equals, rest = name.partition("=")
    if equals and label and not Path(name).exists():
        return [(label, find_weights(rest))]
    folder = Path(name)
    if folder.is_dir() and not (folder / "weights.safetensors").is_file():
        runs = sorted(path.parent for path in folder.glob("*/weights.safetensors"))
        if runs:
            return [(run.name, run / "weights.safetensors") for run in runs]
    path = find_weights(name)
    return [(path.resolve().parent.name if path.stem in GENERIC else path.stem, path)]
