"""Weight-normalised convolutions against torch's, the initialisation by data, and VUNet's blocks by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.weight_norm import (
    GuidedResidual,
    SubPixelUp,
    WeightNormConv2d,
    depth_to_space,
    initialise_by_data,
    space_to_depth,
)


def shaken(module: nn.Module) -> nn.Module:
    """Return the module with gains and biases that are not 1 and 0."""
    for name, p in module.named_parameters():
        if name.endswith(("gain", "bias")):
            nn.init.uniform_(p, 0.5, 1.5)
    return module


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (1, 1), (3, 2)])
def test_it_is_torchs_weight_norm_with_same_padding(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    ours = shaken(WeightNormConv2d(4, 6, kernel, stride))
    theirs = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, kernel, stride, padding=0))
    with torch.no_grad():
        theirs.parametrizations.weight.original0.copy_(ours.gain[:, None, None, None])
        theirs.parametrizations.weight.original1.copy_(ours.weight)
        theirs.bias.copy_(ours.bias)
    x = torch.randn(2, 4, 8, 6)
    padding = {(3, 1): (1, 1, 1, 1), (1, 1): (0, 0, 0, 0), (3, 2): (0, 1, 0, 1)}[kernel, stride]
    torch.testing.assert_close(ours(x), theirs(F.pad(x, padding)))
    assert sum(p.numel() for p in ours.parameters()) == 4 * 6 * kernel**2 + 2 * 6


def test_the_scale_of_the_weights_does_not_matter() -> None:
    conv, x = WeightNormConv2d(3, 5, 3), torch.randn(1, 3, 6, 6)
    before = conv(x)
    with torch.no_grad():
        conv.weight *= 7
    torch.testing.assert_close(conv(x), before)


def test_weights_start_small_and_gains_at_one() -> None:
    conv = WeightNormConv2d(64, 64, 3)
    assert conv.weight.std().item() == pytest.approx(0.05, rel=0.05)
    assert (conv.gain == 1).all()
    assert (conv.bias == 0).all()


def test_after_initialisation_every_layer_puts_out_mean_0_and_variance_1() -> None:
    torch.manual_seed(0)
    stack = nn.Sequential(WeightNormConv2d(3, 8, 3), nn.ELU(), GuidedResidual(8), SubPixelUp(8, 4))
    x = 3 * torch.randn(8, 3, 8, 8) + 5
    before = {n: p.detach().clone() for n, p in stack.named_parameters()}
    seen: list[Tensor] = []
    initialise_by_data(stack, lambda: stack(x))
    layers = [m for m in stack.modules() if isinstance(m, WeightNormConv2d)]
    for layer in layers:
        layer.register_forward_hook(lambda _, args, out: seen.append(out))
    stack(x)
    assert len(seen) == len(layers) == 3
    for out in seen:
        torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(out.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(out.var((0, 2, 3), correction=0), torch.ones(out.shape[1]))
    for n, p in stack.named_parameters():
        assert torch.equal(p, before[n]) == n.endswith("weight")


def test_initialisation_forgets_the_gains_before_and_leaves_no_hooks() -> None:
    torch.manual_seed(0)
    conv, x = WeightNormConv2d(3, 4, 3), torch.randn(4, 3, 8, 8)
    initialise_by_data(conv, lambda: conv(x))
    first = [p.detach().clone() for p in (conv.gain, conv.bias)]
    shaken(conv)
    with pytest.raises(ZeroDivisionError):
        initialise_by_data(conv, lambda: 1 / 0)
    shaken(conv)
    before = conv.gain.detach().clone()
    conv(x)
    assert torch.equal(conv.gain, before)
    initialise_by_data(conv, lambda: conv(x))
    for p, expected in zip((conv.gain, conv.bias), first, strict=True):
        torch.testing.assert_close(p.detach(), expected)


def test_a_constant_output_keeps_its_gain_and_loses_its_mean() -> None:
    conv, x = WeightNormConv2d(2, 3, 1), torch.full((2, 2, 4, 4), 0.7)
    initialise_by_data(conv, lambda: conv(x))
    assert (conv.gain == 1).all()
    torch.testing.assert_close(conv(x), torch.zeros(2, 3, 4, 4), atol=1e-6, rtol=0)


def test_the_residual_block_activates_its_guide_before_and_after_the_convolution() -> None:
    torch.manual_seed(0)
    x, guide = torch.randn(2, 4, 6, 6), torch.randn(2, 10, 6, 6)
    block = shaken(GuidedResidual(4, 10))
    narrowed = block.narrow(F.elu(guide))
    expected = x + block.conv(F.elu(torch.cat([x, narrowed], 1)))
    torch.testing.assert_close(block(x, guide), expected)
    plain = shaken(GuidedResidual(4))
    assert plain.narrow is None
    torch.testing.assert_close(plain(x), x + plain.conv(F.elu(x)))


def test_dropout_comes_after_the_activation_and_not_in_evaluation() -> None:
    torch.manual_seed(0)
    block, x = GuidedResidual(4, dropout=0.5), torch.randn(1, 4, 8, 8)
    seen: list[Tensor] = []
    block.conv.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    block(x)
    dropped = seen[0] == 0
    assert 0.3 < dropped.float().mean() < 0.7
    torch.testing.assert_close(seen[0][~dropped], 2 * F.elu(x)[~dropped])
    block.eval()(x)
    torch.testing.assert_close(seen[1], F.elu(x))


def test_phases_are_quarters_of_the_channels() -> None:
    x = torch.randn(2, 3, 4, 6)
    deep = space_to_depth(x)
    assert deep.shape == (2, 12, 2, 3)
    for phase, (dy, dx) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert torch.equal(deep[:, 3 * phase : 3 * phase + 3], x[:, :, dy::2, dx::2])
    assert torch.equal(depth_to_space(deep), x)
    assert not torch.equal(deep, F.pixel_unshuffle(x, 2))


def test_up_is_a_convolution_laid_out_as_pixels() -> None:
    up, x = SubPixelUp(5, 3), torch.randn(1, 5, 4, 2)
    assert up.conv.weight.shape == (12, 5, 3, 3)
    assert up(x).shape == (1, 3, 8, 4)
    torch.testing.assert_close(up(x)[:, :, 1::2, ::2], up.conv(x)[:, 6:9])
