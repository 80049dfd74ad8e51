"""What is not finite stops the run in every process, before it is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from posegan.training.guard import FiniteGuard, NotFiniteError


class Process:
    """One process as the guard sees it; `other` is what the second of two brings in, None if there is no second."""

    device = torch.device("cpu")

    def __init__(self, other: int | None = None) -> None:
        self.world_size = 1 if other is None else 2
        self.other = other

    def all_reduce(self, value: Tensor, reduce_op: str) -> Tensor:
        assert reduce_op == "max"
        return value.clamp_(min=self.other)


def guard(process: Any) -> FiniteGuard:
    return FiniteGuard(process, Path("run/state"))


def test_the_first_bad_step_is_named() -> None:
    watching = guard(Process())
    for step, value in enumerate((1.0, torch.inf, 2.0, torch.nan)):
        watching.watch({"a": torch.tensor(value), "b": torch.tensor(0.0)}, step)
        if step == 0:
            watching.require_losses()
    with pytest.raises(NotFiniteError, match="at step 1"):
        watching.require_losses()


def test_a_bad_loss_of_another_process_stops_this_one() -> None:
    watching = guard(Process(other=7))
    watching.watch({"a": torch.tensor(1.0)}, 7)
    with pytest.raises(NotFiniteError, match="at step 7"):
        watching.require_losses()
    guard(Process(other=-1)).require_losses()


def test_a_broken_weight_is_found_behind_a_finite_loss() -> None:
    layer = nn.Linear(2, 2)
    guard(Process()).require_weights(layer, 3)
    with torch.no_grad():
        layer.weight[0, 1] = torch.nan
    with pytest.raises(NotFiniteError, match="weight was not finite after step 3"):
        guard(Process()).require_weights(layer, 3)
