"""Which convolutions are computed in another form than torch's, that they are the same ones, and that no other is."""

import pytest
import torch
from torch import Tensor, nn

from posegan.layers import one_product, winograd
from posegan.layers.faster_convolutions import FasterConvolutions, cheapest_side, few_pixels

from .convolutions import numbers


def floats(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return numbers(*shape, dtype=dtype).to(memory_format=torch.channels_last)


TAKEN: dict[str, tuple[nn.Module, tuple[int, ...], str]] = {
    "3x3": (nn.Conv2d(128, 128, 3, padding=1), (4, 128, 64, 32), "winograd.convolve"),
    "mirrored": (nn.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"), (4, 128, 64, 32), "winograd.convolve"),
    "4x4 of stride 2": (nn.Conv2d(128, 256, 4, 2, 1), (4, 128, 64, 32), "winograd.convolve"),
    "transposed": (nn.ConvTranspose2d(512, 128, 4, 2, 1), (2, 512, 64, 32), "winograd.convolve_transposed"),
    "3x3, small": (nn.Conv2d(128, 64, 3, padding=1, bias=False), (4, 128, 4, 2), "one_product.convolve"),
    "stride 2, small": (nn.Conv2d(256, 256, 4, 2, 1), (4, 256, 8, 4), "one_product.convolve"),
    "transposed of a small map": (
        nn.ConvTranspose2d(256, 128, 4, 2, 1),
        (2, 256, 8, 4),
        "one_product.convolve_transposed",
    ),
    "output padding": (nn.ConvTranspose2d(256, 64, 3, 2, 1, 1), (4, 256, 4, 4), "one_product.convolve_transposed"),
}


@pytest.mark.parametrize("taken", TAKEN.values(), ids=TAKEN)
def test_these_are_computed_here(
    taken: tuple[nn.Module, tuple[int, ...], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, shape, by = taken
    layer = layer.to(memory_format=torch.channels_last)
    calls = []
    for module in (winograd, one_product):
        for name in ("convolve", "convolve_transposed"):
            form = getattr(module, name)
            label = f"{module.__name__.rpartition('.')[2]}.{name}"
            monkeypatch.setattr(module, name, lambda *a, f=form, n=label: (calls.append(n), f(*a))[1])
    given = (floats(*shape).requires_grad_(), *layer.parameters())
    usual = layer(given[0])
    direction = torch.randn_like(usual)
    assert not calls
    with FasterConvolutions():
        found = layer(given[0])
    assert calls == [by]
    assert found.stride() == usual.stride()
    assert (found - usual).abs().max() < 5e-5 * usual.abs().max()
    for a, b in zip(*(torch.autograd.grad(y, given, direction) for y in (found, usual)), strict=True):
        assert (a - b).abs().max() < 5e-5 * b.abs().max()


LEFT: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "few channels": (nn.Conv2d(32, 32, 3, padding=1), (4, 32, 32, 32)),
    "few channels of a small map": (nn.Conv2d(32, 32, 3, padding=1), (1, 32, 2, 2)),
    "a map of middle size": (nn.Conv2d(128, 128, 3, padding=1), (4, 128, 16, 8)),
    "no photos": (nn.Conv2d(256, 256, 3, padding=1), (0, 256, 32, 32)),
    "groups": (nn.Conv2d(256, 256, 3, padding=1, groups=2), (4, 256, 32, 32)),
    "groups, transposed": (nn.ConvTranspose2d(256, 256, 4, 2, 1, groups=2), (1, 256, 2, 2)),
    "dilation": (nn.Conv2d(256, 256, 3, padding=2, dilation=2), (4, 256, 32, 32)),
    "dilation, transposed": (nn.ConvTranspose2d(256, 256, 4, 2, 1, dilation=2), (1, 256, 2, 2)),
    "a padding by name": (nn.Conv2d(256, 256, 3, padding="same"), (4, 256, 32, 32)),
    "unequal paddings": (nn.Conv2d(256, 256, 3, padding=(1, 0)), (4, 256, 32, 32)),
    "unequal strides": (nn.Conv2d(256, 256, 3, stride=(2, 1)), (1, 256, 8, 8)),
    "a kernel that is no square": (nn.Conv2d(256, 256, (3, 1)), (1, 256, 8, 8)),
    "stride 2": (nn.Conv2d(256, 256, 3, stride=2, padding=1), (4, 256, 32, 32)),
    "another kernel": (nn.Conv2d(256, 256, 5, padding=2), (4, 256, 32, 32)),
    "float64": (nn.Conv2d(128, 128, 3, padding=1).double(), (4, 128, 32, 32)),
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_others_are_left_to_torch(left: tuple[nn.Module, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    layer, shape = left
    for module in (winograd, one_product):
        for name in ("convolve", "convolve_transposed"):
            monkeypatch.setattr(module, name, lambda *a: pytest.fail("computed here"))
    x = floats(*shape, dtype=next(layer.parameters()).dtype)
    with torch.no_grad(), FasterConvolutions():
        found = layer(x)
    assert torch.equal(found, layer(x))


@pytest.mark.parametrize(("size", "channels"), [((8, 8), 128), ((1, 1), 256)])
def test_torch_s_own_errors_stay(size: tuple[int, int], channels: int) -> None:
    layer = nn.Conv2d(256, 256, 3)
    with FasterConvolutions(), pytest.raises(RuntimeError, match="channels|[Kk]ernel size"):
        layer(torch.randn(1, channels, *size))


def test_autocast_keeps_its_own_convolutions() -> None:
    layer, x = nn.Conv2d(128, 128, 3, padding=1), floats(4, 128, 64, 32)
    found = []
    for context in (FasterConvolutions, torch.no_grad):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), context():
            found.append(layer(x))
    assert torch.equal(*found)


def test_more_channels_and_larger_maps_pay() -> None:
    def side(channels: int, photos: int) -> int | None:
        return cheapest_side(channels, channels, 3, (photos, 32, 16), 9 * photos * 32 * 16)

    assert [side(channels, 4) for channels in (32, 64, 128, 256)] == [None, None, 4, 4]
    assert [side(128, photos) for photos in (1, 4)] == [None, 4]
    assert [few_pixels(pixels, 512, 1 << 20) for pixels in (511, 512)] == [True, False]


def test_less_pays_without_gradients() -> None:
    assert [cheapest_side(512, 512, 3, (4, 16, 8), 9 * 512, gradients) for gradients in (True, False)] == [4, None]
    assert [few_pixels(pixels, 512, 1 << 20, gradients=False) for pixels in (63, 64)] == [True, False]
    layer, x = nn.Conv2d(512, 512, 3, padding=1), floats(4, 512, 16, 8)
    with FasterConvolutions():
        other = layer(x)
        with torch.no_grad():
            usual = layer(x)
    with torch.no_grad():
        assert torch.equal(usual, layer(x)) and not torch.equal(other, layer(x))
