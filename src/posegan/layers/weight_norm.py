"""The bricks of VUNet: weight-normalised convolutions, their initialisation by data, and the blocks made of them.

There is no batch or instance norm in that design: the first weights see to it that every layer starts normalised.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.dropout import Dropout
from posegan.layers.sizes import SameConv2d

CONSTANT = 1e-10  # variance of an output that does not vary, and so cannot be brought to 1


class WeightNormConv2d(SameConv2d):
    """A convolution with kernels gain * weight / |weight| and a bias, SAME padding as TensorFlow's.

    |weight| is taken over the kernel and the input channels of each output channel. Source: Salimans and Kingma 2016.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)
        self.gain = nn.Parameter(torch.ones(outputs))
        nn.init.normal_(self.weight, 0.0, 0.05)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, at 1 / stride of the resolution."""
        length = self.weight.square().sum((1, 2, 3)).sqrt()
        return self.convolve(x, self.weight * (self.gain / length)[:, None, None, None])


def initialise_by_data(module: nn.Module, run: Callable[[], object]) -> None:
    """Set gain and bias of every `WeightNormConv2d` so that its outputs during `run` have mean 0 and variance 1.

    Each layer is set just before it is first used, so the ones behind it see normalised inputs. An output channel that
    does not vary keeps its gain. Source: Salimans and Kingma 2016, section 3.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, WeightNormConv2d)]
    hooks = [layer.register_forward_pre_hook(_normalise) for layer in layers]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()


def _normalise(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(layer, WeightNormConv2d)
    assert layer.bias is not None
    layer.gain.fill_(1.0)
    layer.bias.zero_()
    variance, mean = torch.var_mean(layer.forward(inputs[0]), (0, 2, 3), correction=0)  # without the hooks
    gain = torch.where(variance > CONSTANT, variance.clamp(min=CONSTANT).rsqrt(), 1.0)
    layer.gain.copy_(gain)
    layer.bias.copy_(-mean * gain)


class GuidedResidual(nn.Module):
    """x + conv3(dropout(elu(x))), or with a guide x + conv3(dropout(elu(cat(x, conv1(elu(guide)))))); x's shape stays.

    guide: channels of the second input, 0 for none; it is activated twice, before and after its convolution.
    """

    def __init__(self, channels: int, guide: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.narrow = WeightNormConv2d(guide, channels, 1) if guide else None
        self.conv = WeightNormConv2d(2 * channels if guide else channels, channels, 3)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, guide: Tensor | None = None) -> Tensor:
        """Return features of the shape of x."""
        seen = x
        if self.narrow is not None and guide is not None:
            seen = torch.cat([x, self.narrow(F.elu(guide))], 1)
        out: Tensor = x + self.conv(self.dropout(F.elu(seen)))
        return out


class SubPixelUp(nn.Module):
    """Conv 3 to four times the channels, laid out as 2x2 pixels: doubles H and W."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = WeightNormConv2d(inputs, 4 * outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at twice the resolution."""
        return depth_to_space(self.conv(x))


def space_to_depth(x: Tensor) -> Tensor:
    """Return (B, C, H, W) as (B, 4 * C, H / 2, W / 2), phase-major: channel (dy * 2 + dx) * C + c is pixel (dy, dx).

    The order is TensorFlow's, so that a quarter of the channels is one pixel of every 2x2; torch's pixel_unshuffle is
    channel-major.
    """
    rows = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))  # (B, C, h, dy, w, dx)
    out: Tensor = rows.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)
    return out


def depth_to_space(x: Tensor) -> Tensor:
    """Return what `space_to_depth` was made of: (B, 4 * C, h, w) as (B, C, 2 * h, 2 * w)."""
    pixels = x.unflatten(1, (2, 2, -1))  # (B, dy, dx, C, h, w)
    out: Tensor = pixels.permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)
    return out
