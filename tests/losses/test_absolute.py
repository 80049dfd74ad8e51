"""The mean absolute difference against the plain form, for every type that maps come in."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.losses.absolute import mean_absolute_difference


def pair(dtype: torch.dtype, layout: torch.memory_format = torch.contiguous_format) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 6, 8, 4, generator=g).to(dtype).to(memory_format=layout) for _ in range(2)]
    maps[0][0, 0, 0, 0] = maps[1][0, 0, 0, 0]  # no difference, no gradient
    return maps[0].requires_grad_(), maps[1].requires_grad_()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_value_and_gradients_are_those_of_the_plain_form(dtype, layout):
    a, b = pair(dtype, layout)
    expected = F.l1_loss(a, b)
    found = mean_absolute_difference(a, b)
    torch.testing.assert_close(found, expected)
    for mine, plain in zip(
        torch.autograd.grad(3 * found, (a, b)), torch.autograd.grad(3 * expected, (a, b)), strict=True
    ):
        torch.testing.assert_close(mine, plain)
        assert mine.stride() == a.stride()


def test_lower_precisions_are_summed_in_float32():
    a, b = (map_.detach().repeat(1, 1, 64, 64).requires_grad_() for map_ in pair(torch.bfloat16))
    found = mean_absolute_difference(a, b)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, F.l1_loss(a.float(), b.float()))
    (gradient,) = torch.autograd.grad(found, a)
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient.float() * a.numel(), (a - b).sign().float(), rtol=0.01, atol=0)


def test_only_what_requires_gradients_gets_them():
    a, b = pair(torch.float32)
    mean_absolute_difference(a, b.detach()).backward()
    assert a.grad is not None
    assert b.grad is None


def test_maps_of_different_shape_are_refused():
    with pytest.raises(ValueError, match=r"one shape, got \(2, 3\) and \(2, 1\)"):
        mean_absolute_difference(torch.zeros(2, 3), torch.zeros(2, 1))
