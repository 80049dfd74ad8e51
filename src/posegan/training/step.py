"""One training step: the updates of the current phase, in order, on this step's batches.

It knows neither files nor progress; loop.py does. Gradients come from `torch.autograd.grad` for exactly the parameters
of an update, so a generator update leaves the discriminators without gradients and costs no pass for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from posegan.batch import Batch
from posegan.layers.faster_convolutions import FasterConvolutions, wide
from posegan.models import Phase, ReposeModel, StepContext, Update
from posegan.models.base import RMSProp


class Stepper:
    """Holds the optimisers of one phase and makes its steps.

    accumulate: parts of a batch. fast: convolve in `FasterConvolutions` where it gains, so in float32 on a CPU and if
    the model is wide enough.
    """

    def __init__(
        self, model: ReposeModel, phase: Phase, fabric: Fabric, accumulate: int = 1, *, fast: bool = False
    ) -> None:
        self.model = model
        self.phase = phase
        self.fabric = fabric
        self.accumulate = accumulate
        with fabric.autocast():
            full = fabric.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        self.fast = fast and full and wide(model)
        self.parameters = {u.name: _trainable(u.modules) for u in phase.updates}
        self.optimisers = {u.name: _optimiser(u, self.parameters[u.name]) for u in phase.updates}

    def load(self, states: dict[str, Any]) -> None:
        """Take over the optimisers' saved moments; learning rates stay those of the config, which may have changed.

        Raises ValueError if they are those of other updates, parameters or kinds of optimiser.
        """
        if states.keys() != self.optimisers.keys():
            raise ValueError(f"the state holds the updates {', '.join(states)}, not {', '.join(self.optimisers)}")
        for update in self.phase.updates:
            optimiser, state = self.optimisers[update.name], states[update.name]
            if state["param_groups"][0].keys() != optimiser.param_groups[0].keys():
                raise ValueError(f"the state of {update.name!r} is that of another kind of optimiser")
            optimiser.load_state_dict(state)
            for group in optimiser.param_groups:
                group["lr"] = update.optimiser.lr

    def step(self, number: int, batches: tuple[Batch, ...], step: int) -> dict[str, Tensor]:
        """Make step `step` of the run, which is step `number` of the phase; returns the detached loss terms."""
        if self.phase.self_reconstruction:
            batches = tuple(batch.self_reconstruction(self._own(step, len(batch))) for batch in batches)
        parts = _split(batches, self.accumulate)
        shared = [StepContext(self.model, part, step, share=self.accumulate == 1) for part in parts]
        terms: dict[str, Tensor] = {}
        with FasterConvolutions() if self.fast else contextlib.nullcontext():
            for update in self.phase.updates:
                if number % update.every == 0:
                    terms |= self._update(update, shared, number)
        return terms

    def _own(self, step: int, pairs: int) -> list[bool]:
        """Return which of this process's pairs of a step have the source photo as their target.

        They are spread evenly over the run's pairs, so that any share is kept whatever the batch of a process.
        """
        first = (step * self.fabric.world_size + self.fabric.global_rank) * pairs
        due = [ceil(round(k * self.phase.self_reconstruction, 6)) for k in range(first, first + pairs + 1)]
        return [after > before for before, after in pairwise(due)]

    def _update(self, update: Update, contexts: Sequence[StepContext], number: int) -> dict[str, Tensor]:
        parameters, optimiser = self.parameters[update.name], self.optimisers[update.name]
        terms: dict[str, Tensor] = {}
        gradients: list[Tensor] = []
        for context in contexts:
            with self.fabric.autocast():
                losses = update.loss(context)
            total = torch.stack([value.float() for value in losses.values()]).sum() / len(contexts)
            part = torch.autograd.grad(total, parameters, allow_unused=True, materialize_grads=True)
            gradients = list(part) if not gradients else list(torch._foreach_add(gradients, part))
            for name, value in losses.items():
                terms[name] = terms.get(name, 0) + value.detach().float() / len(contexts)
        if self.fabric.world_size > 1:
            gradients = self._averaged(gradients)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            # Fused Adam pairs elements by their place in memory, so both must have one layout.
            same = gradient.stride() == parameter.stride()
            parameter.grad = gradient if same else torch.empty_like(parameter).copy_(gradient)
        if update.optimiser.schedule is not None:
            for group in optimiser.param_groups:
                group["lr"] = update.optimiser.lr * update.optimiser.schedule(number)
        optimiser.step()
        if isinstance(update.optimiser, RMSProp) and update.optimiser.clip is not None:
            with torch.no_grad():
                for parameter in parameters:
                    parameter.clamp_(-update.optimiser.clip, update.optimiser.clip)
        optimiser.zero_grad(set_to_none=True)
        return terms

    def _averaged(self, gradients: list[Tensor]) -> list[Tensor]:
        """Average gradients over all processes in one message."""
        flat = self.fabric.all_reduce(torch.cat([g.reshape(-1) for g in gradients]), reduce_op="mean")
        assert isinstance(flat, Tensor)
        pieces = flat.split([g.numel() for g in gradients])
        return [g.copy_(piece.view_as(g)) for piece, g in zip(pieces, gradients, strict=True)]  # keeps g's strides


def _trainable(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def _optimiser(update: Update, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    chosen = update.optimiser
    if isinstance(chosen, RMSProp):
        return torch.optim.RMSprop(parameters, lr=chosen.lr, alpha=chosen.decay, eps=chosen.eps)
    fused = all(p.device.type in ("cpu", "cuda") for p in parameters)
    betas = (chosen.beta1, chosen.beta2)
    return torch.optim.Adam(parameters, lr=chosen.lr, betas=betas, eps=chosen.eps, fused=fused)


def _split(batches: tuple[Batch, ...], parts: int) -> list[tuple[Batch, ...]]:
    if parts == 1:
        return [batches]
    size = len(batches[0]) // parts
    return [tuple(b[i * size : (i + 1) * size] for b in batches) for i in range(parts)]
