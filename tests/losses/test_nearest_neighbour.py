"""The windowed search against loops over every position, and its gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.losses import nearest_neighbour_loss


def slow_loss(generated: Tensor, target: Tensor, window: int) -> Tensor:
    batch, _, height, width = generated.shape
    r, minima = window // 2, []
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                patch = target[b, :, max(y - r, 0) : y + r + 1, max(x - r, 0) : x + r + 1]
                minima.append((generated[b, :, y, x, None, None] - patch).abs().sum(0).min())
    return torch.stack(minima).mean()


def unfolded_loss(generated: Tensor, target: Tensor, window: int) -> Tensor:
    """The published form: n * n shifted copies of the target, padded with -10000."""
    batch, channels, height, width = generated.shape
    padded = F.pad(target, (window // 2,) * 4, value=-10000.0)
    copies = F.unfold(padded, window).view(batch, channels, window**2, height, width)
    return (generated[:, :, None] - copies).abs().sum(1).amin(1).mean()


def maps(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(*shape, generator=g, dtype=dtype) for _ in range(2))
    return a.requires_grad_(), b.requires_grad_()


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("shape", [(2, 3, 7, 5), (1, 4, 2, 9), (1, 2, 1, 1)])
def test_value_and_gradients_equal_the_loops(window: int, shape: tuple[int, ...]) -> None:
    g, t = maps(*shape, dtype=torch.float64)
    loss, expected = nearest_neighbour_loss(g, t, window), slow_loss(g, t, window)
    assert torch.allclose(loss, expected)
    for ours, theirs in zip(torch.autograd.grad(loss, (g, t)), torch.autograd.grad(expected, (g, t)), strict=True):
        assert torch.allclose(ours, theirs)


def test_equals_the_published_padded_form() -> None:
    g, t = maps(2, 8, 16, 8)
    assert torch.allclose(nearest_neighbour_loss(g, t, 5), unfolded_loss(g, t, 5))


@pytest.mark.parametrize("window", [1, 3])
def test_gradcheck(window: int) -> None:
    g, t = maps(2, 3, 4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: nearest_neighbour_loss(a, b, window), (g, t))


def test_window_one_is_feature_matching_times_channels() -> None:
    g, t = maps(2, 6, 5, 4)
    assert torch.allclose(nearest_neighbour_loss(g, t, 1), 6 * F.l1_loss(g, t))


def test_a_shift_inside_the_window_costs_only_the_border() -> None:
    _, t = maps(1, 4, 12, 12)
    shifted = t.detach().roll((1, -1), dims=(2, 3))
    assert torch.equal(nearest_neighbour_loss(shifted[..., 1:-1, 1:-1], t[..., 1:-1, 1:-1], 3) > 0, torch.tensor(True))
    inner = shifted.clone()
    inner[..., 0, :], inner[..., :, -1] = t.detach()[..., 0, :], t.detach()[..., :, -1]
    assert nearest_neighbour_loss(inner, t, 3) == 0
    assert nearest_neighbour_loss(inner, t, 1) > 1


def test_gradient_only_where_it_is_asked_for() -> None:
    g, t = maps(1, 2, 4, 4)
    nearest_neighbour_loss(g, t.detach()).backward()
    assert g.grad is not None
    assert t.grad is None


@pytest.mark.parametrize("window", [1, 3])
def test_channels_last_and_transposed_views(window: int) -> None:
    g, t = maps(2, 4, 6, 5)
    expected = nearest_neighbour_loss(g, t, window)
    last = torch.channels_last
    assert torch.allclose(nearest_neighbour_loss(g.to(memory_format=last), t.to(memory_format=last), window), expected)
    turned = (m.transpose(2, 3).contiguous().transpose(2, 3) for m in (g, t))
    assert torch.allclose(nearest_neighbour_loss(*turned, window), expected)


@pytest.mark.parametrize("window", [1, 3])
def test_low_precision_sums_in_float32(window: int) -> None:
    g, t = (m.detach().bfloat16().requires_grad_() for m in maps(1, 512, 4, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nearest_neighbour_loss(g, t, window)
    assert loss.dtype == torch.float32
    assert torch.allclose(loss, nearest_neighbour_loss(g.float(), t.float(), window), rtol=1e-6)
    loss.backward()
    assert g.grad is not None
    assert g.grad.dtype == torch.bfloat16


def test_mistakes_raise() -> None:
    g, t = maps(1, 2, 4, 4)
    with pytest.raises(ValueError, match="window must be odd"):
        nearest_neighbour_loss(g, t, 4)
    with pytest.raises(ValueError, match="one shape"):
        nearest_neighbour_loss(g, t[..., 1:], 3)
