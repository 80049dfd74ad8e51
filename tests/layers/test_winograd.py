"""Convolutions with fewer multiplications are the same convolutions, to any derivative."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.winograd import SIDES, basis, convolve, convolve_transposed

from .convolutions import assert_two_derivatives, numbers

SIZES = [(8, 4), (7, 9), (5, 2), (12, 12)]


FITTING = [
    (kernel, stride, padding, size)
    for (kernel, stride), padding, size in product([(3, 1), (4, 2)], (0, 1, 2), SIZES)
    if min(size) + 2 * padding >= kernel
]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("kernel", "stride", "padding", "size"), FITTING)
def test_convolution_is_torchs(kernel: int, stride: int, side: int, padding: int, size: tuple[int, int]) -> None:
    x, weight, bias = numbers(2, 3, *size), numbers(5, 3, kernel, kernel), numbers(5)
    found = convolve(x, weight, bias, stride, padding, side)
    torch.testing.assert_close(found, F.conv2d(x, weight, bias, stride, padding))


@pytest.mark.parametrize(("side", "padding", "size"), list(product(SIDES, (0, 1, 2), SIZES)))
def test_transposed_convolution_is_torchs(side: int, padding: int, size: tuple[int, int]) -> None:
    x, weight, bias = numbers(2, 3, *size), numbers(3, 5, 4, 4), numbers(5)
    found = convolve_transposed(x, weight, bias, padding, side)
    torch.testing.assert_close(found, F.conv_transpose2d(x, weight, bias, 2, padding))


JOBS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]] = {
    "3x3": (lambda x, w, b: convolve(x, w, b, 1, 1, 4), (1, 2, 5, 4), (2, 2, 3, 3)),
    "with pixels that no result needs": (lambda x, w, b: convolve(x, w, b, 2, 0, 2), (1, 2, 7, 5), (2, 2, 4, 4)),
    "4x4 of stride 2": (lambda x, w, b: convolve(x, w, b, 2, 1, 3), (1, 1, 6, 4), (2, 1, 4, 4)),
    "transposed": (lambda x, w, b: convolve_transposed(x, w, b, 1, 3), (1, 2, 2, 3), (2, 2, 4, 4)),
}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_first_and_second_derivatives(job: tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]) -> None:
    run, shape, kernel = job
    assert_two_derivatives(run, shape, kernel, (2,))


def test_what_inference_leaves_behind_serves_training() -> None:
    basis.cache_clear()
    x, weight = numbers(1, 2, 8, 8), numbers(3, 2, 3, 3).requires_grad_()
    with torch.inference_mode():
        convolve(x, weight, padding=1)
    assert torch.autograd.grad(convolve(x, weight, padding=1).sum(), weight)[0].isfinite().all()
