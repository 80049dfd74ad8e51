"""The guard that stops a run whose numbers are no longer finite before anything broken is saved. It mends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from posegan.errors import UserError
from posegan.training.state import list_states


class NotFiniteError(UserError):
    """A loss or a weight became NaN or infinite; the last good state, if one was saved, is kept."""


class FiniteGuard:
    """Watches the losses of each step on the device, and tells only when asked, so that no step waits for the device.

    states: the folder named to the user.
    """

    def __init__(self, fabric: Fabric, states: Path) -> None:
        self.fabric = fabric
        self.states = states
        self._first_bad = torch.full((), -1, device=fabric.device)

    def watch(self, terms: Mapping[str, Tensor], step: int) -> None:
        """Note the step if one of its loss terms is not finite and it is the first such step."""
        total = torch.stack(list(terms.values())).sum()
        bad = ~torch.isfinite(total) & (self._first_bad < 0)
        self._first_bad = torch.where(bad, step, self._first_bad)

    def require_losses(self) -> None:
        """Raise NotFiniteError if a loss of any process was not finite; all processes have to ask together.

        One that went on alone would save weights that the others' gradients have broken, or wait for them for ever.
        """
        first = self._first_bad
        if self.fabric.world_size > 1:
            reduced = self.fabric.all_reduce(first.clone(), reduce_op="max")  # in place
            assert isinstance(reduced, Tensor)
            first = reduced
        step = int(first)
        if step >= 0:
            raise self._error(f"A loss was not finite at step {step}")

    def require_weights(self, model: nn.Module, step: int) -> None:
        """Raise NotFiniteError if the update of the step has broken a weight, which no loss has shown yet."""
        finite = torch.stack([weight.detach().isfinite().all() for weight in model.parameters()])
        if not bool(finite.all()):
            raise self._error(f"A weight was not finite after step {step}")

    def _error(self, what: str) -> NotFiniteError:
        kept = (
            f"the state before it is kept in {self.states}" if list_states(self.states) else "nothing was saved before"
        )
        return NotFiniteError(
            f"{what}; {kept}: lower the learning rate or the loss weights, or use precision 32-true, and run the "
            "command again."
        )
