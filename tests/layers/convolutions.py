"""What the tests of convolutions in other forms share."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from posegan.layers.faster_convolutions import FasterConvolutions


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))


def assert_two_derivatives(run: Callable[..., Tensor], *shapes: tuple[int, ...]) -> None:
    given = tuple(numbers(*shape).requires_grad_() for shape in shapes)
    assert torch.autograd.gradcheck(run, given)
    assert torch.autograd.gradgradcheck(run, given)


def count_contexts(module: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one element each time that the module enters `FasterConvolutions`."""
    entered: list[int] = []

    class Counted(FasterConvolutions):
        def __enter__(self) -> "Counted":
            entered.append(1)
            super().__enter__()  # type: ignore[no-untyped-call]
            return self

    monkeypatch.setattr(f"{module}.FasterConvolutions", Counted)
    return entered
