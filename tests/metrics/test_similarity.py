"""SSIM against scikit-image and, for the published protocol, against scipy's filters as scikit-image 0.13 used them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from torch import Tensor

from posegan.errors import UserError
from posegan.images import read_photo, to_bytes, to_signed
from posegan.metrics import Accumulator, l1, masked_ssim, ssim

Photo = NDArray[np.uint8]
RECORDED = {"paper": 0.153747, "standard": 0.160522, "l1": 0.391530}  # 'source copied' on the first 256 pairs of test-A


def slow_paper_ssim(generated: Photo, target: Photo) -> float:
    """scikit-image 0.13's compare_ssim(gaussian_weights, sigma 1.5) with the range of the generated (H, W, 3)."""
    extent = float(generated.max()) - float(generated.min())
    if extent == 0:
        return 0.0

    def blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter(image, sigma=1.5, truncate=4.0, mode="reflect")

    scores = []
    for channel in range(3):
        x, y = (image[..., channel].astype(np.float64) for image in (generated, target))
        mx, my = blur(x), blur(y)
        vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        c1, c2 = (0.01 * extent) ** 2, (0.03 * extent) ** 2
        s = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        scores.append(s[5:-5, 5:-5].mean())
    return float(np.mean(scores))


def standard_ssim(generated: Photo, target: Photo) -> float:
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(target, generated, channel_axis=2, data_range=255, **gaussian))


def pg2_ssim(generated: Photo, target: Photo) -> float:
    return float(structural_similarity(target, generated, channel_axis=2, data_range=255))


def newer_ssim(generated: Photo, target: Photo, sigma: float) -> float:
    extent = float(generated.max()) - float(generated.min())
    if extent == 0:
        return 0.0
    gaussian = {"gaussian_weights": True, "sigma": sigma, "use_sample_covariance": False}
    return float(structural_similarity(target, generated, channel_axis=2, data_range=extent, **gaussian))


def uniform51_ssim(generated: Photo, target: Photo) -> float:
    return float(structural_similarity(target / 255, generated / 255, channel_axis=2, data_range=1, win_size=51))


REFERENCES = {
    "paper": slow_paper_ssim,
    "standard": standard_ssim,
    "pg2": pg2_ssim,
    "gaussian1.5": lambda x, y: newer_ssim(x, y, 1.5),
    "gaussian1.2": lambda x, y: newer_ssim(x, y, 1.2),
    "uniform51": uniform51_ssim,
}
SMALLEST = {"uniform51": 51}  # else 11


def photos(count: int, height: int, width: int, seed: int) -> Tensor:
    """Smooth, flat, dark and noisy pictures, (N, 3, H, W) uint8: flat regions are where low precision would show."""
    g = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 5, 4, generator=g)
    smooth = torch.nn.functional.interpolate(small, (height, width), mode="bicubic")
    image = 255 * smooth + 8 * torch.randn(count, 3, height, width, generator=g)
    image[1::4] = 100 + 0.05 * image[1::4]  # washed out: a range of about 13
    image[2::4, :, : height // 2] = 230  # half flat
    return image.round().clamp(0, 255).to(torch.uint8)


def each(reference: str, generated: Tensor, target: Tensor) -> Tensor:
    pairs = zip(generated.permute(0, 2, 3, 1).numpy(), target.permute(0, 2, 3, 1).numpy(), strict=True)
    return torch.tensor([REFERENCES[reference](x, y) for x, y in pairs])


@pytest.mark.parametrize("protocol", REFERENCES)
@pytest.mark.parametrize("size", [(128, 64), (33, 47), (11, 12)])
def test_ssim_equals_the_slow_reference(protocol: str, size: tuple[int, int]) -> None:
    size = (max(size[0], SMALLEST.get(protocol, 0)), max(size[1], SMALLEST.get(protocol, 0)))
    generated, target = photos(8, *size, seed=1), photos(8, *size, seed=2)
    target[:4] = (0.7 * generated[:4].float() + 0.3 * target[:4].float()).to(torch.uint8)  # similar ones as well
    ours = ssim(to_signed(generated), to_signed(target), protocol)
    assert (ours - each(protocol, generated, target)).abs().max() < 1e-6


def test_paper_range_belongs_to_the_generated_image() -> None:
    a, b = to_signed(photos(4, 32, 32, seed=1)), to_signed(photos(4, 32, 32, seed=2))
    assert torch.allclose(ssim(a, b, "standard"), ssim(b, a, "standard"))
    assert not torch.allclose(ssim(a, b, "paper"), ssim(b, a, "paper"), atol=1e-3)


def test_equal_images_score_one_and_constant_ones_zero_under_paper() -> None:
    image = to_signed(photos(2, 54, 52, seed=3))
    flat = torch.full_like(image, 0.25)
    for protocol in REFERENCES:
        assert torch.allclose(ssim(image, image, protocol), torch.ones(2))
    assert ssim(flat, flat, "paper").tolist() == [0.0, 0.0]
    assert ssim(flat, image, "paper").tolist() == [0.0, 0.0]
    assert torch.allclose(ssim(flat, flat, "standard"), torch.ones(2))


def test_rounding_happens_inside_and_chunks_do_not_matter() -> None:
    generated, target = photos(70, 20, 16, seed=4), photos(70, 20, 16, seed=5)
    noisy = to_signed(generated) + 0.9 / 255 * (torch.rand(generated.shape) - 0.5)
    scores = ssim(noisy, to_signed(target))
    assert torch.equal(to_bytes(noisy), generated)
    assert torch.equal(scores, ssim(generated, target))
    assert torch.allclose(scores[40:43], ssim(generated[40:43], target[40:43]), atol=1e-7)


def test_masked_ssim_is_ssim_of_blackened_images() -> None:
    generated, target = photos(3, 32, 24, seed=6), photos(3, 32, 24, seed=7)
    mask = torch.zeros(3, 32, 24, dtype=torch.bool)
    mask[:, 8:24, 6:18] = True
    for protocol in ("paper", "standard"):
        black = generated * mask[:, None], target * mask[:, None]
        scores = masked_ssim(to_signed(generated), to_signed(target), mask, protocol)
        assert torch.allclose(scores, each(protocol, *black), atol=1e-6)
        assert (scores > ssim(generated, target, protocol)).all()  # black surroundings agree


def test_mistakes_are_named() -> None:
    image = torch.zeros(1, 3, 16, 16)
    with pytest.raises(UserError, match="Unknown SSIM protocol 'standart'; did you mean 'standard'"):
        ssim(image, image, "standart")
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(image[..., :10], image[..., :10])
    with pytest.raises(ValueError, match="two \\(B, 3, H, W\\)"):
        ssim(image, image[:, :1])
    with pytest.raises(ValueError, match="mask"):
        masked_ssim(image, image, torch.ones(1, 3, 16, 16, dtype=torch.bool))


@pytest.mark.data
def test_source_copied_on_real_pairs(market_root: Path) -> None:
    """The first 256 of the published test pairs; all 5,568 give .1502 (paper), .1569 (standard), L1 .3904."""
    photos = market_root / "bounding_box_test"
    pairs = [line.split(",") for line in (market_root / "market-pairs-test.csv").read_text().split()[1:257]]
    source, target = (torch.stack([read_photo(photos / name) for name in names]) for names in zip(*pairs, strict=True))
    scores = Accumulator()
    scores.add({"paper": ssim(source, target, "paper"), "standard": ssim(source, target, "standard")})
    scores.add({"l1": l1(source, target)})
    assert scores.means() == pytest.approx(RECORDED, abs=2e-6)
    assert (ssim(source[:16], target[:16], "paper") - each("paper", source[:16], target[:16])).abs().max() < 1e-6
