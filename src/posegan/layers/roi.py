"""Rectangular crops of feature maps at one size, as many boxes a photo as wanted: TensorFlow's crop_and_resize."""

import torch
from torch import Tensor
from torch.nn import functional as F


def crop_boxes(features: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Return (B * P, C, side, side) crops of (B, C, H, W) maps, those of one photo next to each other; bilinear.

    boxes: (B, P, 4), left, top, right, bottom in pixels, within the frame. Crop pixels lie evenly from edge to edge.
    Pixels are divided by W and H and multiplied by W - 1 and H - 1, as in Disentangled's released code, where an edge
    is a share of the frame in which 1 stands for the last pixel: crops lie up to a pixel nearer to the origin.
    """
    count, parts = boxes.shape[:2]
    height, width = features.shape[-2:]
    share = torch.linspace(0, 1, side, device=boxes.device, dtype=torch.float32)
    left, top, right, bottom = boxes.float()[..., None].unbind(2)  # (B, P, 1) each
    x = (left + share * (right - left)) * (2 / width) - 1  # (B, P, side) in [-1, 1], the outer pixels' centres
    y = (top + share * (bottom - top)) * (2 / height) - 1
    shape = (count, parts, side, side)
    grid = torch.stack([x[:, :, None, :].expand(shape), y[:, :, :, None].expand(shape)], -1)
    # All boxes of a photo in one column of pixels: the map itself is not copied for each of them.
    crops = F.grid_sample(features.float(), grid.flatten(1, 2), align_corners=True).to(features.dtype)
    crops = crops.reshape(count, features.shape[1], parts, side, side)
    return crops.transpose(1, 2).flatten(0, 1)
