"""The one training loop: any model, any number of processes, resumable at every saved step.

Everything random is derived from (seed, step): the order of the pairs in the sampler, dropout and noise by seeding
before each step. So the state is weights, averages, optimisers and the step, and nothing else, and a run of one process
goes on to the bit. Of several, what is each one's own (statistics of batch norm, image pools) goes on as the first's.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.config import changed_keys, dump
from posegan.data import BatchLoader, PairSampler
from posegan.errors import UserError
from posegan.files import write_text
from posegan.inference.output import out_folder
from posegan.lock import sole_writer
from posegan.models import Phase
from posegan.models.batch_norm import measure_batch_norm
from posegan.training.ema import Ema
from posegan.training.guard import FiniteGuard
from posegan.training.log import SHEET_PAIRS, RunLog, validation_ssim, write_samples
from posegan.training.machine import conditions, start_fabric, warn_of_differences, warn_of_slow_bf16
from posegan.training.settings import Recipe, load_recipe, open_data, open_validation
from posegan.training.state import list_states, load_newest_state, save_state
from posegan.training.step import Stepper
from posegan.weights import WeightsInfo, fill, find_weights, read_weights, save_weights

LICENCES = {
    "market": "Trained on Market-1501: for research only, as that data set's terms ask.",
    "deepfashion": "Trained on DeepFashion: for research only, as that data set's terms ask.",
    "folder": "Trained on a user's own photos.",
    "synthetic": "Trained on posegan's synthetic people: MIT, like the code.",
}
INITIAL_BATCHES = 4  # for models whose first weights depend on data


def train(recipe: Recipe | str | Path, *, resume: bool = True) -> Path:
    """Train a recipe in its run folder and return that folder; goes on from the newest state there unless told not to.

    Raises UserError for settings or data that cannot work, and when a loss is no longer finite.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    return Run(recipe, resume=resume).go()


def step_seed(seed: int, step: int, rank: int) -> int:
    """Return the seed of torch's generators for one step of one process."""
    digest = hashlib.sha256(f"{seed}/{step}/{rank}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Run:
    """One run of a recipe: everything that lives from start to end of the process."""

    def __init__(self, recipe: Recipe, *, resume: bool) -> None:
        self.recipe = recipe
        self.settings = settings = recipe.training
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.folder = Path(settings.out)
        if self.folder.is_file():
            raise UserError(f"{self.folder} is a file: give another training.out, or delete it.")
        self.fabric = start_fabric(settings)
        if self.fabric.is_global_zero:
            warn_of_slow_bf16(self.fabric.device, settings.precision)
        self._stop = False
        self._states = list_states(self.folder / "state")
        found = load_newest_state(self.folder / "state") if resume else None
        if found is None and not resume and (self.folder / "state").exists():
            raise UserError(f"{self.folder} already holds a run: give another training.out, or resume it.")
        trained = [name for name in ("weights.safetensors", "best.safetensors") if (self.folder / name).exists()]
        if found is None and trained:
            raise UserError(
                f"{self.folder} holds {trained[0]} but no state to go on from, and it would be lost: give another "
                "training.out, or move it away; training.init starts from weights."
            )
        self.start = found[0] if found else 0
        self.state = found[1] if found else None
        self.best = float(self.state["best"]) if self.state else -1.0

    def _prepare(self) -> None:
        """Build the model and open the data, which may take minutes, in the order of what can be wrong."""
        recipe, device = self.recipe, self.fabric.device
        order = torch.channels_last if self.settings.channels_last else torch.contiguous_format
        torch.manual_seed(step_seed(self.settings.seed, -1, 0))
        self.model = recipe.new_model()
        self.phases = self.model.phases()
        if self.start == 0 and self.settings.init:
            self._start_from(find_weights(self.settings.init))
        self.data = open_data(recipe.data, recipe.model_config.size)
        self.validation = open_validation(recipe.data, recipe.model_config.size)
        if self.start == 0 and not self.settings.init:
            loader = self._loader(
                self.phases[0], rank=0, world=1
            )  # the same weights in every process, and in any number
            self.model.initialise(batches[0] for _, batches in loader.run(0, INITIAL_BATCHES))
        self.model.to(device=device, memory_format=order)  # type: ignore[call-overload]
        self.ema = Ema(self.model.generator, self.settings.ema)
        self.steppers: dict[str, Stepper] = {}
        if self.state is not None:
            warn_of_differences(self.state["machine"], conditions(device), self.folder)
            self._restore(self.state)
        if self.settings.compile:
            self.model.generator.compile()
            for discriminator in self.model.discriminators.values():
                discriminator.compile()

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
            self.ema.module.load_state_dict(state["ema"])
        except RuntimeError as error:
            raise self._another_run() from error

    def _another_run(self) -> UserError:
        return UserError(
            f"{self.folder} holds a run of another model than this recipe's: give another training.out, or the model "
            f"settings of {self.folder / 'config.yaml'}."
        )

    def _start_from(self, path: Path) -> None:
        info, tensors = read_weights(path)
        if info.model != self.recipe.model:
            raise UserError(f"{path} holds a {info.model!r}, the recipe trains a {self.recipe.model!r}: change one.")
        fill(self.model, tensors, path)

    def go(self) -> Path:
        """Train to the last step, the time limit or an interruption; saves in each case."""
        settings, folder = self.settings, self.folder
        main = self.fabric.is_global_zero
        if self.start >= settings.steps:
            if main:
                sys.stderr.write(f"{folder} has its {self.start} steps already: raise training.steps to go on.\n")
            return folder
        self._prepare()
        deadline = time.monotonic() + settings.minutes * 60 if settings.minutes else None
        with contextlib.ExitStack() as stack:
            if main:
                out_folder(folder)
                stack.enter_context(sole_writer(folder))
                if list_states(folder / "state") != self._states:  # and going on would remove what that one saved
                    raise UserError(f"{folder} was trained further by another run meanwhile: start this one again.")
                changed = changed_keys(folder / "config.yaml", self.recipe.tree()) if self.start else []
                write_text(folder / "config.yaml", dump(self.recipe.tree()))
            self.fabric.barrier()
            log = RunLog(folder, settings.steps, self.start, settings.batch_size, quiet=not main)
            self.log = stack.enter_context(log)
            stack.enter_context(self._interruptible())
            if self.start:
                self.log.say(f"going on from step {self.start} of {settings.steps} in {folder}")
                if main and changed:
                    self.log.say(f"with other settings than before: {', '.join(changed)}")
            if self.validation is None:
                self.log.say("samples show training pairs, and no validation scores are taken")
            watched = self.validation or self.data
            self._watched = watched.batch(torch.arange(min(SHEET_PAIRS, len(watched)))).to(self.fabric.device)
            step = self._train(deadline)
            if step < settings.steps:
                self.log.say(f"stopped at step {step} of {settings.steps}, saved; the same command goes on from there")
        return folder

    def _train(self, deadline: float | None) -> int:
        settings, rank, world = self.settings, self.fabric.global_rank, self.fabric.world_size
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._guard = FiniteGuard(self.fabric, self.folder / "state")
        step = self.start
        for phase, first, last in self._stretches():
            stepper = self._stepper(phase)
            with contextlib.closing(self._loader(phase, rank, world).run(step, last)) as loader:
                for _, batches in loader:
                    self._one_step(stepper, step - first, batches, step)
                    step += 1
                    self._after(step, phase)
                    if self._must_stop(deadline, step) and step < settings.steps:
                        if step % settings.save_every:
                            self._finish_weights(step)
                            self._save(step, phase)
                        return step
        return step

    def _stretches(self) -> Iterator[tuple[Phase, int, int]]:
        """Yield each phase that is not over with its first step and the step after its last."""
        first = 0
        for phase in self.phases:
            last = self.settings.steps if phase.steps is None else min(first + phase.steps, self.settings.steps)
            if last > max(first, self.start):
                yield phase, first, last
            first = last

    def _loader(self, phase: Phase, rank: int, world: int) -> BatchLoader:
        settings = self.settings
        return BatchLoader(
            self.data,
            PairSampler(len(self.data), settings.seed, settings.sampling),
            settings.batch_size // world,
            rank=rank,
            world=world,
            streams=phase.streams,
            flip=settings.flip,
            workers=settings.workers,
            pin=self.fabric.device.type == "cuda",
        )

    def _stepper(self, phase: Phase) -> Stepper:
        fast = self.settings.fast_convolutions and not self.settings.compile
        stepper = Stepper(self.model, phase, self.fabric, self.settings.accumulate, fast=fast)
        if self.state is not None and self.state["phase"] == phase.name:
            try:
                stepper.load(self.state["optimisers"])
            except ValueError as error:
                raise self._another_run() from error
        self.state = None  # used up: it holds a copy of everything
        self.steppers = {phase.name: stepper}
        return stepper

    def _one_step(self, stepper: Stepper, number: int, batches: tuple[Batch, ...], step: int) -> None:
        torch.manual_seed(step_seed(self.settings.seed, step, self.fabric.global_rank))
        self.model.train()
        moved = tuple(b.to(self.fabric.device, channels_last=self.settings.channels_last) for b in batches)
        terms = stepper.step(number, moved, step)
        self.ema.update(self.model.generator, step)
        self._guard.watch(terms, step)
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def _after(self, step: int, phase: Phase) -> None:
        """Do what is due after `step` steps: log, save, draw samples, validate."""
        settings = self.settings
        self.log.advance(step)
        log, validate, draw, save = (
            bool(every) and (step % every == 0 or step == settings.steps)
            for every in (settings.log_every, settings.validate_every, settings.sample_every, settings.save_every)
        )
        if validate or draw or save:
            self._finish_weights(step)
        elif log:
            self._guard.require_losses()
        if log:
            self._log_losses(step)
        if validate:
            self._validate(step)
        if draw and self.fabric.is_global_zero:
            write_samples(self.folder, step, self.ema.module, self._watched)  # type: ignore[arg-type]
        if save:
            self._save(step, phase)

    def _finish_weights(self, step: int) -> None:
        """Make the average ready for being looked at and saved; all processes have to ask together."""
        self._guard.require_losses()
        self._guard.require_weights(self.model, step)  # a picture of NaN would have a score
        if self.fabric.is_global_zero:
            measure_batch_norm(self.ema.module, self.data, self.fabric.device)

    def _log_losses(self, step: int) -> None:
        self.log.losses(step, {name: float(total) / self._counts[name] for name, total in self._sums.items()})
        self._sums, self._counts = {}, {}

    def _validate(self, step: int) -> None:
        if self.fabric.is_global_zero and self.validation is not None:
            pairs = self.settings.validation_pairs
            score = validation_ssim(self.ema.module, self.validation, pairs, self.fabric.device)  # type: ignore[arg-type]
            self.log.scalars(step, {"validation_ssim": score})
            self.log.say(f"step {step}  validation SSIM {score:.4f} ({min(pairs, len(self.validation))} pairs)")
            if score > self.best:
                self.best = score
                self._save_weights("best.safetensors", step)
        self.fabric.barrier()

    def _save_weights(self, name: str, step: int) -> None:
        licence = LICENCES[self.recipe.data.name]
        config = self.recipe.tree()["model"]
        config.pop("name")
        if "features_path" in config:
            config["features_path"] = None  # a path on this machine, and of no use to generation
        info = WeightsInfo(self.recipe.model, config, self.recipe.data.name, step, licence)
        save_weights(self.folder / name, self.ema.module.state_dict(), info)

    def _save(self, step: int, phase: Phase) -> None:
        if self.fabric.is_global_zero:
            self._save_weights("weights.safetensors", step)
            state: dict[str, Any] = {
                "phase": phase.name,
                "best": self.best,
                "model": self.model.state_dict(),
                "ema": self.ema.module.state_dict(),
                "optimisers": {n: o.state_dict() for n, o in self.steppers[phase.name].optimisers.items()},
                "machine": conditions(self.fabric.device),
            }
            save_state(self.folder / "state", step, state, self.settings.keep)
        self.fabric.barrier()

    def _must_stop(self, deadline: float | None, step: int) -> bool:
        if self.fabric.world_size > 1 and step % 10:
            return False  # the vote below waits for all processes
        stop = self._stop or (deadline is not None and time.monotonic() > deadline)
        if self.fabric.world_size > 1:  # all processes must leave the loop at the same step
            votes = self.fabric.all_reduce(torch.tensor(float(stop), device=self.fabric.device), reduce_op="sum")
            assert isinstance(votes, Tensor)
            return bool(votes > 0)
        return stop

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let Ctrl-C and a polite kill end the current step and save; a second Ctrl-C ends at once."""

        def ask(number: int, frame: Any) -> None:
            self._stop = True
            signal.signal(number, signal.default_int_handler)

        try:
            before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread: whoever runs us handles signals
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
