import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from posegan.images import to_signed
from posegan.metrics import l1, masked_l1, psnr


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randint(0, 256, (4, 3, 16, 8), generator=g, dtype=torch.uint8) for _ in range(2))
    return a, b


def test_l1_is_the_mean_on_the_signed_scale(pair) -> None:
    a, b = pair
    expected = (to_signed(a) - to_signed(b)).abs().mean((1, 2, 3))
    assert torch.allclose(l1(to_signed(a), to_signed(b)), expected, atol=1e-6)
    assert torch.allclose(l1(torch.ones(1, 3, 4, 4), -torch.ones(1, 3, 4, 4)), torch.tensor([2.0]))


def test_l1_is_of_rounded_images(pair) -> None:
    a, _ = pair
    assert l1(to_signed(a) + 0.4 / 255, to_signed(a)).tolist() == [0.0] * 4


def test_masked_l1_divides_by_all_pixels(pair) -> None:
    a, b = pair
    mask = torch.zeros(4, 16, 8, dtype=torch.bool)
    assert masked_l1(a, b, mask).tolist() == [0.0] * 4
    mask[:, :8] = True
    assert torch.allclose(masked_l1(a, b, mask) + masked_l1(a, b, ~mask), l1(a, b))


def test_psnr_equals_scikit_image(pair) -> None:
    a, b = pair
    expected = [peak_signal_noise_ratio(y.numpy(), x.numpy(), data_range=255) for x, y in zip(a, b, strict=True)]
    assert psnr(a, b).tolist() == pytest.approx(expected, abs=1e-4)
    assert psnr(a, a).tolist() == [math.inf] * 4


def test_wrong_shapes_raise(pair) -> None:
    a, b = pair
    with pytest.raises(ValueError, match="two"):
        l1(a, b[:2])
    with pytest.raises(ValueError, match="mask"):
        masked_l1(a, b, torch.ones(4, 8, 16, dtype=torch.bool))
