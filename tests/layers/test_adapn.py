"""AdaPN and AdaIN against loops over channels and pixels."""

import pytest
import torch
from torch import Tensor, nn

from posegan.layers.adapn import (
    STATISTICS,
    AdaptiveInstanceNorm,
    AdaptivePatchNorm,
    adaptive_norm,
    normalised,
    statistics,
)


def slow(x: Tensor, gamma: Tensor, beta: Tensor, factor: int, left: int) -> Tensor:
    """LReLU, then norm, then the modulation of the patch, one channel and pixel at a time; in float64."""
    out = x.double().clone()
    for b in range(len(x)):
        for c in range(x.shape[1]):
            active = torch.where(x[b, c] > 0, x[b, c], 0.2 * x[b, c]).double()
            normal = (active - active.mean()) / (active.var(correction=0) + 1e-8).sqrt()
            for i in range(x.shape[2]):
                for j in range(x.shape[3]):
                    patch = b, c, i // factor, (j + left) // factor
                    out[b, c, i, j] = normal[i, j] * (1 + gamma[patch]) + beta[patch]
    return out.float()


@pytest.mark.parametrize(("size", "left"), [((8, 12), 0), ((8, 10), 1)])
def test_adapn_modulates_each_patch_of_the_normalised_activation(size, left):
    torch.manual_seed(0)
    layer, x, style = AdaptivePatchNorm(3, 5, factor=4), torch.randn(2, 3, *size) + 1, torch.randn(2, 5, 2, 3)
    values = layer.embed(style)
    beta, gamma = values[:, :3], values[:, 3:]  # the first half is beta
    out, found = layer(x, style)
    torch.testing.assert_close(out, slow(x, gamma, beta, 4, left))
    torch.testing.assert_close(found, statistics(gamma, beta))


def test_adain_modulates_each_channel_by_the_mean_style():
    torch.manual_seed(0)
    layer, x, style = AdaptiveInstanceNorm(3, 5), torch.randn(2, 3, 6, 4), torch.randn(2, 5, 2, 3)
    values = nn.functional.leaky_relu(layer.embed(style.sum((2, 3)) / 6), 0.2)
    beta, gamma = (values[:, part, None, None].expand(2, 3, 6, 4) for part in (slice(0, 3), slice(3, 6)))
    out, found = layer(x, style)
    torch.testing.assert_close(out, slow(x, gamma, beta, 1, 0))
    assert found.shape == (2, 4, 1, 1)


def test_the_layer_of_each_name():
    assert isinstance(adaptive_norm("adapn", 2, 3, 4), AdaptivePatchNorm)
    assert isinstance(adaptive_norm("adain", 2, 3, 4), AdaptiveInstanceNorm)


def test_small_variance_is_not_swallowed_by_eps():
    x = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(normalised(0.01 * x).var(correction=0), torch.tensor(1.0), rtol=0, atol=1e-2)
    assert normalised(1e-5 * x).var(correction=0) < 0.01  # deviations far below sqrt(1e-8) are


@pytest.mark.parametrize("level", [0.1, -3.7, 1e3])
def test_a_constant_map_stays_constant_with_finite_gradients(level):
    x = torch.full((2, 3, 16, 8), level, requires_grad=True)
    out = normalised(x)
    assert torch.equal(out, torch.zeros_like(out))
    (gradient,) = torch.autograd.grad((out * torch.randn_like(out)).sum(), x)
    assert gradient.isfinite().all()


def test_statistics_are_taken_in_float32_in_half_precision():
    x = (torch.randn(1, 2, 16, 8) * 1e-3).bfloat16()
    out = normalised(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), normalised(x.float()), rtol=0, atol=0.02)


def test_statistics_are_the_moments_over_channels_without_a_graph():
    gamma, beta = torch.randn(2, 5, 3, 2, requires_grad=True), torch.randn(2, 5, 3, 2)
    found = statistics(gamma, beta)
    assert found.shape == (2, len(STATISTICS), 3, 2)
    assert not found.requires_grad
    values = gamma[1, :, 2, 1].tolist()
    mean = sum(values) / 5
    assert found[1, 0, 2, 1].item() == pytest.approx(mean, abs=1e-6)
    assert found[1, 1, 2, 1].item() == pytest.approx((sum((v - mean) ** 2 for v in values) / 5) ** 0.5, abs=1e-6)
    torch.testing.assert_close(found[:, 2:], statistics(beta, beta)[:, :2])
