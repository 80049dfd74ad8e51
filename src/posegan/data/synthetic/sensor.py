"""What the camera adds to a picture: lens blur, exposure, white balance and noise.

Exists so that synthetic photos are not cleaner than real ones. It knows nothing of the scene (scene.py).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.data.synthetic.draws import Draws, combine, pixel_noise


def develop(image: Tensor, view: Tensor) -> Tensor:
    """Apply lens blur, exposure, white balance and sensor noise of the views to (B, 3, H, W) in [0, 1]; gives uint8."""
    draw = Draws(view, "sensor")
    height = image.shape[-2]
    sigma = draw.uniform(0.25, 0.75) * (height / 128) ** 0.5
    image = _blur(image, sigma)
    grey = image.mean(1, keepdim=True)

    def wide(value: Tensor) -> Tensor:
        return value[:, None, None, None]

    image = torch.lerp(grey, image, wide(draw.uniform(0.78, 1.08)))
    balance = 1 + torch.stack((draw.bell(0.035), draw.bell(0.012), draw.bell(0.045)), -1)[:, :, None, None]
    gain, lift = balance * wide(1 + draw.bell(0.10)), wide(draw.uniform(0.0, 0.035))
    contrast = wide(draw.uniform(0.88, 1.08))
    image.mul_(gain * contrast).add_(0.5 + (lift - 0.5) * contrast)
    noise = pixel_noise(combine(view, 99), tuple(image.shape[1:]))
    mono = noise.mean(1, keepdim=True).mul_(0.9)
    image.addcmul_(noise.mul_(0.6).add_(mono), wide(draw.uniform(0.004, 0.022)))
    return image.clamp_(0, 1).mul_(255).round_().to(torch.uint8)


def _blur(image: Tensor, sigma: Tensor) -> Tensor:
    """Separable five-tap Gaussian with a width per item; the border is repeated."""
    batch, channels, height, width = image.shape
    taps = torch.exp(-0.5 * (torch.arange(-2.0, 3.0) / sigma[:, None]).square())
    taps = (taps / taps.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = F.pad(image.reshape(1, batch * channels, height, width), (2, 2, 2, 2), mode="replicate")
    flat = F.conv2d(flat, taps[:, None, None, :], groups=batch * channels)
    flat = F.conv2d(flat, taps[:, None, :, None], groups=batch * channels)
    return flat.reshape(image.shape)
