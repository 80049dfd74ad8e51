import math

import torch
from torch import Tensor

from posegan.layers.roi import crop_boxes


def bilinear(channel: Tensor, x: float, y: float) -> float:
    left, top = min(math.floor(x), channel.shape[1] - 2), min(math.floor(y), channel.shape[0] - 2)
    a, b = x - left, y - top
    weights = ((1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b)
    places = ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1))
    return sum(w * channel[p].item() for w, p in zip(weights, places, strict=True))


def test_crops_are_those_of_the_released_formula() -> None:
    """Row k of n lies at top (H-1)/H + k (bottom-top)(H-1) / (H (n-1)), columns alike."""
    torch.manual_seed(0)
    height, width, side = 16, 12, 5
    maps = torch.randn(2, 3, height, width)
    boxes = torch.tensor([[[1.0, 2, 9, 13], [0, 0, 1, 1]], [[3.5, 0, 11, 15], [2, 4, 6, 4.5]]])
    crops = crop_boxes(maps, boxes, side)
    assert crops.shape == (4, 3, side, side)
    for i, (left, top, right, bottom) in enumerate(boxes.flatten(0, 1).tolist()):
        for row in range(side):
            y = (top + row * (bottom - top) / (side - 1)) * (height - 1) / height
            for column in range(side):
                x = (left + column * (right - left) / (side - 1)) * (width - 1) / width
                for channel in range(3):
                    expected = bilinear(maps[i // 2, channel], x, y)
                    assert math.isclose(crops[i, channel, row, column].item(), expected, abs_tol=1e-5)


def test_low_precision_keeps_its_type_and_gradients_reach_the_map() -> None:
    maps = torch.randn(1, 2, 8, 8, requires_grad=True)
    box = torch.tensor([[[2.0, 2, 5, 5]]])
    (gradient,) = torch.autograd.grad(crop_boxes(maps, box, 4).sum(), maps)
    assert gradient[..., 1:6, 1:6].any()
    assert not gradient[..., 6:, :].any()
    assert crop_boxes(maps.bfloat16(), box, 4).dtype == torch.bfloat16
