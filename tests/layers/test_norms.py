"""`SampleNorm` against the formula as it is written, and at the edges where a port of it broke."""

import numpy as np
import pytest
import torch

from posegan.layers.norms import SampleNorm


def formula(x: np.ndarray, weight: float, bias: float) -> np.ndarray:
    out = np.empty_like(x)
    for i, sample in enumerate(x):
        out[i] = (sample - sample.mean()) / (sample.std() + 1e-3) * weight + bias
    return out


@pytest.fixture
def norm() -> SampleNorm:
    layer = SampleNorm()
    torch.nn.init.constant_(layer.weight, 1.7)
    torch.nn.init.constant_(layer.bias, -0.4)
    return layer


@pytest.mark.parametrize("shape", [(3, 5, 7, 4), (1, 5, 7, 4), (2, 6, 1, 1), (1, 2, 1, 1)])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (30.0, 5.0), (1e-3, 0.0)])
def test_it_is_the_formula_of_the_published_code(norm, shape, scale, shift):
    x = np.random.default_rng(0).normal(shift, scale, shape)
    found = norm(torch.from_numpy(x).float())
    assert found.shape == shape
    np.testing.assert_allclose(found.detach().numpy(), formula(x, 1.7, -0.4), atol=2e-5)


def test_it_has_one_gain_and_one_bias_that_start_as_the_identity():
    parameters = dict(SampleNorm().named_parameters())
    assert {name: (p.shape, p.item()) for name, p in parameters.items()} == {"weight": ((), 1.0), "bias": ((), 0.0)}


def test_a_sample_does_not_see_the_others(norm):
    x = torch.randn(4, 3, 5, 2)
    torch.testing.assert_close(norm(x)[2:3], norm(x[2:3]), rtol=0, atol=1e-6)


def test_statistics_are_float32_for_bfloat16_features(norm):
    x = (torch.randn(2, 64, 16, 8) + 3).bfloat16()
    found = norm(x)
    assert found.dtype == torch.bfloat16
    np.testing.assert_allclose(found.detach().float().numpy(), formula(x.double().numpy(), 1.7, -0.4), atol=0.02)


def test_memory_order_is_of_no_consequence(norm):
    x = torch.randn(2, 3, 5, 4)
    torch.testing.assert_close(norm(x.contiguous(memory_format=torch.channels_last)), norm(x))


def test_the_gradient_is_that_of_the_formula(norm):
    x = torch.randn(2, 3, 4, 2, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(2, 3, 4, 2)
    mean, std = x.mean((1, 2, 3), keepdim=True), x.std((1, 2, 3), correction=0, keepdim=True)
    (expected,) = torch.autograd.grad(((x - mean) / (std + 1e-3) * 1.7 * upstream).sum(), x)
    features = x.detach().float().requires_grad_()
    (found,) = torch.autograd.grad((norm(features) * upstream).sum(), features)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_sample_becomes_the_bias_with_a_finite_gradient(norm, value):
    x = torch.full((2, 3, 4, 4), value, requires_grad=True)
    found = norm(x)
    torch.testing.assert_close(found, torch.full_like(x, -0.4), rtol=0, atol=1e-3)
    found.square().sum().backward()
    assert x.grad.isfinite().all()
    assert norm.weight.grad.isfinite()
