"""The settings of a training run: which data, how long, where to. What a model is made of is its own config."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from posegan.config import build, describe, read_tree, require_above_zero, require_at_least, to_tree
from posegan.data import (
    DeepFashionPoseDataset,
    MarketPoseDataset,
    NoPairsError,
    PhotoFolderDataset,
    PosePairDataset,
    SyntheticPeople,
    SyntheticPoseDataset,
    mixed,
)
from posegan.errors import UserError, unknown_name
from posegan.models import MODELS, ReposeModel
from posegan.models.base import ModelConfig
from posegan.pose import Size

SMALLEST = 64  # pixels: some discriminator has no output below


@dataclass(frozen=True)
class DataSettings:
    """Where the pairs come from."""

    name: Literal["market", "deepfashion", "folder", "synthetic"] = "synthetic"
    """Kind of data set."""
    root: str = ""
    """Its folder; not needed for synthetic people."""
    split: Literal["train", "train+validation"] = "train"
    """Train on the training people only, or on those of validation too (final runs)."""
    limit: int | None = None
    """Train on so few pairs only, evenly drawn from the list, and watch those: shows if a model can learn at all."""
    pack: str | None = None
    """Packed cache to read instead of the folder."""
    synthetic_share: float = 0.0
    """Share of synthetic people among the training pairs of photos; validation has photos only."""
    identities: int = 512
    """Synthetic people: how many of them."""
    poses: int = 8
    """Synthetic people: photos of each."""
    one_background: bool = False
    """Synthetic people: all photos of a person in the same place."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a run goes on, is saved and is watched."""

    out: str = "runs/posegan"
    """Run folder: config, metrics, samples, weights and state."""
    init: str | None = None
    """Weights to start the generator from (fine-tuning); a run that has state of its own goes on from that instead."""
    steps: int = 20_000
    """Training steps in all."""
    batch_size: int = 8
    """Pairs per step and stream over all processes together."""
    accumulate: int = 1
    """Parts that each batch is split into, to save memory; gradients are averaged over them. Pairs that a loss compares
    with each other are of one part."""
    seed: int = 0
    """Seed of weights, order of pairs, dropout and noise."""
    sampling: Literal["passes", "random"] = "passes"
    """Shuffled passes over all pairs, or independent draws with replacement."""
    flip: bool = False
    """Mirror half of the pairs, with left and right joints swapped."""
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    """Kind of device."""
    devices: int = 1
    """Processes on each machine, one device each; they are started here unless torchrun has."""
    nodes: int = 1
    """Machines (with torchrun on each)."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Number format of the forward passes."""
    channels_last: bool = True
    """Keep images and weights in channels-last memory order."""
    fast_convolutions: bool = True
    """On a CPU in float32, compute wide convolutions in faster forms, which are the same to about five digits."""
    compile: bool = False
    """Compile the generator and the discriminators with torch.compile."""
    ema: float = 0.999
    """Decay per step of the averaged weights that are saved for generation; 0 saves the raw ones."""
    minutes: float | None = None
    """Stop after this long, saved and ready to go on."""
    log_every: int = 50
    """Steps between lines of metrics.jsonl."""
    save_every: int = 500
    """Steps between saved states."""
    keep: int = 2
    """How many of the newest states are kept."""
    sample_every: int = 500
    """Steps between sample sheets (0: none)."""
    validate_every: int = 1000
    """Steps between validations (0: none)."""
    validation_pairs: int = 256
    """Pairs that a validation measures."""
    threads: int | None = None
    """CPU threads of torch (None: torch's own choice)."""
    workers: int = 1
    """Threads that prepare batches."""


@dataclass(frozen=True)
class Recipe:
    """A whole run: model, data and training."""

    model: str
    model_config: ModelConfig
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def tree(self) -> dict[str, Any]:
        """Return the recipe with every default filled in, in the form of a recipe file."""
        model = {"name": self.model} | to_tree(self.model_config)
        return {"model": model, "data": to_tree(self.data), "training": to_tree(self.training)}

    def describe(self) -> str:
        """Return every key that a recipe of this model may hold, with its values, default and meaning."""
        sections = {"model": self.model_config, "data": self.data, "training": self.training}
        return describe({name: type(section) for name, section in sections.items()})

    def new_model(self) -> ReposeModel:
        """Return the model, untrained."""
        return MODELS.get(self.model)(self.model_config)


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return a recipe file with its overrides as typed settings.

    Raises UserError naming the key for an unknown section, model, key or value; nothing is opened or built before.
    """
    tree = read_tree(path, overrides)
    for key in tree:
        if key not in ("model", "data", "training"):
            raise unknown_name("section", str(key), ("model", "data", "training"))
    model = tree.get("model") or {}
    if not isinstance(model, dict):
        raise UserError(f"'model' must be a section with keys, not {model!r}: write its name under 'name:'.")
    if "name" not in model:
        raise UserError(f"{path} names no model: add 'name:' under 'model:', one of {', '.join(MODELS.names())}.")
    name = str(model["name"])
    recipe = Recipe(
        name,
        build(MODELS.get(name).Config, {key: value for key, value in model.items() if key != "name"}, "model"),
        build(DataSettings, tree.get("data"), "data"),
        build(TrainingSettings, tree.get("training"), "training"),
    )
    _check(recipe)
    return recipe


def _check(recipe: Recipe) -> None:
    training = recipe.training
    counts = ("steps", "batch_size", "accumulate", "devices", "nodes", "log_every", "save_every", "keep", "workers")
    require_at_least("training", training, 1, *counts, "validation_pairs")
    require_at_least("training", training, 0, "sample_every", "validate_every")
    require_at_least("data", recipe.data, 1, "identities", "poses")
    if not 0 <= recipe.data.synthetic_share < 1:
        raise UserError(f"data.synthetic_share is {recipe.data.synthetic_share}: it must be at least 0 and below 1.")
    if recipe.data.synthetic_share > 0 and recipe.data.name == "synthetic":
        raise UserError(
            "data.synthetic_share adds synthetic people to photos, and data.name is synthetic: leave it out."
        )
    if training.threads is not None:
        require_at_least("training", training, 1, "threads")
    if recipe.data.limit is not None:
        require_at_least("data", recipe.data, 1, "limit")
    if training.minutes is not None:
        require_above_zero("training", training, "minutes")
    if min(recipe.model_config.size) < SMALLEST:
        size = list(recipe.model_config.size)
        raise UserError(f"model.size is {size}: the discriminators need at least {SMALLEST} pixels each way.")
    if training.batch_size % (training.devices * training.nodes * training.accumulate):
        parts = f"{training.nodes} nodes x {training.devices} devices x {training.accumulate} parts"
        raise UserError(f"training.batch_size {training.batch_size} does not divide into {parts}: change one of them.")
    if not 0 <= training.ema < 1:
        raise UserError(f"training.ema is {training.ema}: it must be at least 0 and below 1.")


@functools.lru_cache(maxsize=1)  # training and validation are splits of the same people
def _people(data: DataSettings, size: Size) -> SyntheticPeople:
    return SyntheticPeople(data.identities, size, data.poses, one_background=data.one_background)


def open_data(data: DataSettings, size: Size, *, validation: bool = False) -> PosePairDataset:
    """Return the training pairs of the settings, or their validation pairs; raises UserError if files are missing."""
    split: Literal["train", "validation", "train+validation"] = "validation" if validation else data.split
    if data.name != "synthetic" and not data.root:
        raise UserError(f"data.root is empty: give the folder of the {data.name!r} data set.")
    if data.name == "synthetic":
        dataset: PosePairDataset = SyntheticPoseDataset(_people(data, size), split, maps=False)
    elif data.name == "market":
        dataset = MarketPoseDataset(data.root, split, pack=data.pack, maps=False)
    elif data.name == "deepfashion":
        dataset = DeepFashionPoseDataset(data.root, size=size, split=split, pack=data.pack, maps=False)
    else:
        dataset = PhotoFolderDataset(data.root, size=size, split=split, pack=data.pack, maps=False)
    if data.limit is not None and not validation:
        dataset.pairs = dataset.pairs[torch.linspace(0, len(dataset) - 1, min(data.limit, len(dataset))).long()]
    if dataset.size != size:
        raise UserError(f"The photos of {data.root} are {dataset.size}, the model is built for {size}: set model.size.")
    if data.synthetic_share > 0 and not validation:
        return mixed(dataset, SyntheticPoseDataset(_people(data, size), "train", maps=False), data.synthetic_share)
    return dataset


def open_validation(data: DataSettings, size: Size) -> PosePairDataset | None:
    """Return the validation pairs, or None where those that are trained on are watched.

    That is if nobody is held out, if too few people are, or if only a few pairs are trained on.
    """
    if data.split == "train+validation" or data.limit is not None:
        return None
    try:
        return open_data(data, size, validation=True)
    except NoPairsError:
        return None
