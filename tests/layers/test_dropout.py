"""Dropout with cheap random numbers: the same distribution, gradient and exceptions as torch's."""

import pytest
import torch
from torch import nn

from posegan.layers.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_share_scale_and_gradient(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    x = torch.ones(64, 32, 31, 7, dtype=dtype, requires_grad=True)
    out = Dropout(p)(x)
    kept = out != 0
    spread = (p * (1 - p) / x.numel()) ** 0.5
    assert abs(kept.float().mean() - (1 - p)) < 4 * spread
    torch.testing.assert_close(out[kept], torch.full_like(out[kept], 1 / (1 - p)), rtol=5e-3, atol=0)
    out.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.equal(x.grad, out)


def test_decisions_do_not_depend_on_each_other() -> None:
    torch.manual_seed(2)
    kept = (Dropout(0.5)(torch.ones(1 << 18)) != 0).float() - 0.5
    for lag in (1, 2, 3, 4, 8, 64):
        assert abs((kept[lag:] * kept[:-lag]).mean()) < 0.25 * 4 / 2**9
    for place in range(4):  # of the 16 bits in the number drawn
        assert abs(kept[place::4].mean()) < 0.5 * 4 / 2**8


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_seed_decides_and_memory_order_stays(order: torch.memory_format) -> None:
    x = torch.rand(2, 5, 6, 3).contiguous(memory_format=order)
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(Dropout(0.5)(x))
    assert torch.equal(*found)
    assert found[0].stride() == x.stride()
    assert Dropout(0.5)(x[:, 1:4, ::2]).shape == (2, 3, 3, 3)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_all_or_nothing_and_evaluation(p: float) -> None:
    x = torch.rand(4, 5)
    assert torch.equal(Dropout(p)(x), nn.Dropout(p)(x))
    assert torch.equal(Dropout(0.5).eval()(x), x)
