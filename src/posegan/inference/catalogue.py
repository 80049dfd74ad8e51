"""What there is to re-pose people with: every registered model, its size, and the bundled weights that fit it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import torch

from posegan.models.base import MODELS, ReposeModel, count_parameters, create_model
from posegan.pose import Size
from posegan.weights import bundled_names, find_weights, read_info


@dataclass(frozen=True)
class Weights:
    """Bundled weights: their name, the (H, W) of their photos, and what they may be used for."""

    name: str
    size: Size
    licence: str


@dataclass(frozen=True)
class Entry:
    """A registered model: where it was published, its parameters with default settings, its bundled weights."""

    name: str
    paper: str
    generator: int
    discriminators: int
    weights: tuple[Weights, ...]


def catalogue() -> list[Entry]:
    """Return an entry for every registered model in alphabetical order; no weights are allocated."""
    shipped: dict[str, list[Weights]] = {}
    for name in bundled_names():
        info = read_info(find_weights(name))
        height, width = info.config["size"]
        shipped.setdefault(info.model, []).append(Weights(name, (height, width), info.licence))
    return [_entry(name, tuple(shipped.get(name, ()))) for name in MODELS.names()]


def _entry(name: str, weights: tuple[Weights, ...]) -> Entry:
    with torch.device("meta"):
        model = create_model(name)
    counts = count_parameters(model.generator), count_parameters(model.discriminators)
    return Entry(name, paper_of(MODELS.get(name)), *counts, weights)


def paper_of(model: type[ReposeModel]) -> str:
    """Return a model's `paper` attribute, or else the first line of its file, which names the paper."""
    paper = getattr(model, "paper", None) or inspect.getdoc(inspect.getmodule(model)) or ""
    return str(paper).strip().partition("\n")[0]
