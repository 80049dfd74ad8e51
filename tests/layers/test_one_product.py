"""Convolutions as one product of matrices are the same convolutions, to any derivative."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from posegan.layers.one_product import convolve, convolve_transposed

from .convolutions import assert_two_derivatives, numbers

SIZES = [(8, 4), (7, 5), (2, 1)]


ANY = list(product((1, 3, 4, 5), (1, 2, 3), (0, 1, 2), SIZES))  # kernel, stride, padding, size
FITTING = [given for given in ANY if min(given[3]) + 2 * given[2] >= given[0]]
TRANSPOSED = [
    (*given, more)
    for given, more in product(ANY, (0, 1))
    if more < given[1] and given[0] + given[1] * (min(given[3]) - 1) + more > 2 * given[2]
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "size"), FITTING)
def test_convolution_is_torchs(kernel: int, stride: int, padding: int, size: tuple[int, int]) -> None:
    x, weight, bias = numbers(2, 3, *size), numbers(5, 3, kernel, kernel), numbers(5)
    torch.testing.assert_close(convolve(x, weight, bias, stride, padding), F.conv2d(x, weight, bias, stride, padding))


@pytest.mark.parametrize(("kernel", "stride", "padding", "size", "more"), TRANSPOSED)
def test_transposed_convolution_is_torchs(
    kernel: int, stride: int, padding: int, size: tuple[int, int], more: int
) -> None:
    x, weight, bias = numbers(2, 3, *size), numbers(3, 5, kernel, kernel), numbers(5)
    found = convolve_transposed(x, weight, bias, stride, padding, more)
    torch.testing.assert_close(found, F.conv_transpose2d(x, weight, bias, stride, padding, more))


JOBS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]] = {
    "3x3": (lambda x, w, b: convolve(x, w, b, 1, 1), (1, 2, 3, 4), (2, 2, 3, 3)),
    "4x4 of stride 2": (lambda x, w, b: convolve(x, w, b, 2, 1), (1, 2, 5, 4), (2, 2, 4, 4)),
    "transposed": (lambda x, w, b: convolve_transposed(x, w, b, 2, 1, 1), (1, 2, 2, 3), (2, 2, 3, 3)),
}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_first_and_second_derivatives(job: tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]) -> None:
    run, shape, kernel = job
    assert_two_derivatives(run, shape, kernel, (2,))
