"""How fast this machine trains and generates, and how far that is from the least time the operations can take.

A floor is the number of operations over the rate that the device reaches in a plain convolution, measured in the same
run. Times are those of whole steps as the loop makes them, optimisers included, on synthetic people in memory: what
reading photos costs is another matter (benchmarks/data_loading.py). Feature networks get random weights, which cost as
much as trained ones, so no file is needed.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from posegan.batch import Batch
from posegan.data import SyntheticPeople, SyntheticPoseDataset
from posegan.hardware import device_name
from posegan.layers.features import KINDS
from posegan.models import MODELS, ReposeModel, create_model
from posegan.pose import Size
from posegan.training.machine import convolution_rate, start_fabric, wall
from posegan.training.settings import TrainingSettings
from posegan.training.step import Stepper

PEOPLE = 8  # made-up people whose photos fill the batches
Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True)
class Timing:
    """One thing timed: seconds of a run (median), of the processor if it ran there, operations and the floor.

    `images_per_second` counts generated photos; a training step generates one a pair.
    """

    model: str
    what: str
    size: Size
    batch: int
    seconds: float
    cpu_seconds: float | None
    images_per_second: float
    gflop: float
    floor_seconds: float
    peak_mib: float | None

    @property
    def share_of_floor(self) -> float:
        """The floor as a share of the time taken: 1 would be as fast as the device convolves."""
        return self.floor_seconds / self.seconds


def measure(
    models: Sequence[str],
    sizes: Sequence[Size] = ((128, 64),),
    batches: Sequence[int] = (4,),
    *,
    options: dict[str, Any] | None = None,
    precision: Precision = "32-true",
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto",
    runs: int = 5,
) -> Iterator[tuple[Timing, dict[str, Any]]]:
    """Time a training step of every phase, and generation, for each model, size and batch.

    options: settings of the models, where they have them.
    Yields each timing as it is taken, with the whole result so far: {"machine": ..., "convolution_gflops": the device's
    rate, "timings": [...]}. Raises UserError for unknown models and options, or if there is no such device.
    """
    fabric = start_fabric(TrainingSettings(accelerator=accelerator, precision=precision))
    device = fabric.device
    rate = convolution_rate(device, precision)
    result: dict[str, Any] = {
        "machine": _machine(device),
        "precision": precision,
        "options": options or {},
        "date": time.strftime("%Y-%m-%d"),
        "convolution_gflops": rate,
        "timings": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in models:
            for size in sizes:
                settings = _settings(name, size, Path(folder), options or {})
                model = model_on(device, name, settings)
                for count in batches:
                    batch = _batch(size, count).to(device, channels_last=True)
                    for what, job, usual in _jobs(model, fabric, batch):
                        timing = _time(name, what, size, count, job, _operations(usual), rate, device, runs)
                        result["timings"].append(dataclasses.asdict(timing) | {"share_of_floor": timing.share_of_floor})
                        yield timing, result
                del model


def model_on(device: torch.device, name: str, settings: dict[str, Any]) -> ReposeModel:
    """Return a new model on a device, its feature network too."""
    model = create_model(name, **settings)
    model.phases()  # loads that network
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _settings(name: str, size: Size, folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the model has, with a file of random weights for its feature network."""
    fields = {f.name for f in dataclasses.fields(MODELS.get(name).Config)}
    settings = {"size": size} | {key: value for key, value in options.items() if key in fields}
    if "features_path" in fields and "features_path" not in options:
        features = settings.get("features", MODELS.get(name).Config().features)
        if features in KINDS:
            settings["features_path"] = str(random_features(features, folder))
    return settings


def random_features(kind: str, folder: Path) -> Path:
    """Return a file in `folder` with random weights of a feature network, made if it is not there."""
    path = folder / f"{kind}.pth"
    if not path.exists():
        weights = {}
        for prefix, shape in KINDS[kind].layers().values():
            weights[f"{prefix}.weight"] = torch.randn(shape) * (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
            weights[f"{prefix}.bias"] = torch.zeros(shape[0])
        torch.save(weights, path)
    return path


def _batch(size: Size, count: int) -> Batch:
    data = SyntheticPoseDataset(SyntheticPeople(PEOPLE, size, 3), "train+validation", maps=False)
    return data.batch(torch.arange(count) % len(data))


def _jobs(
    model: ReposeModel, fabric: Any, batch: Batch
) -> Iterator[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Yield a step of each phase, then generation: a name, a function to time, and one whose operations count.

    The latter computes all convolutions as usual, so that what needs fewer operations counts as being faster.
    """
    model.train()
    model.initialise([batch])
    for phase in model.phases():
        stepper = Stepper(model, phase, fabric, fast=True)
        step = functools.partial(_step, stepper, (batch,) * phase.streams)
        yield f"step of phase {phase.name!r}", functools.partial(step, stepper.fast), functools.partial(step, False)
    model.eval()

    def generate() -> object:
        with torch.inference_mode(), fabric.autocast():
            return model.generator(batch.source_image, batch.source_pose, batch.target_pose)

    yield "generation", generate, generate


def _step(stepper: Stepper, batches: tuple[Batch, ...], fast: bool) -> object:
    stepper.fast = fast
    return stepper.step(0, batches, 0)


def _operations(job: Callable[[], object]) -> float:
    """Return how many 1e9 operations a job takes."""
    with OperationCounter() as counter:
        job()
    return float(counter.operations) / 1e9


def _time(
    model: str,
    what: str,
    size: Size,
    count: int,
    job: Callable[[], object],
    operations: float,
    rate: float,
    device: torch.device,
    runs: int,
) -> Timing:
    job()  # warm up
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    walls, cpus = [], []
    for _ in range(runs):
        before = time.process_time()
        walls.append(wall(job, device))
        cpus.append(time.process_time() - before)
    seconds = statistics.median(walls)
    return Timing(
        model=model,
        what=what,
        size=size,
        batch=count,
        seconds=seconds,
        cpu_seconds=statistics.median(cpus) if device.type == "cpu" else None,
        images_per_second=count / seconds,
        gflop=operations,
        floor_seconds=operations / rate,
        peak_mib=torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None,
    )


class OperationCounter(TorchDispatchMode):
    """Adds up the operations of convolutions and matrix products; torch's own counter cannot follow autograd.grad."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(func._overloadpacket)
        if formula is None:
            with self:  # in inference mode operations come whole and have to be taken apart
                out = func.decompose(*args, **kwargs)
            return func(*args, **kwargs) if out is NotImplemented else out
        out = func(*args, **kwargs)
        self.operations += formula(*args, **kwargs, out_val=out)
        return out


def _machine(device: torch.device) -> str:
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"{device_name(device)}{threads}, torch {torch.__version__}"
