"""What a model shows of its inside, as pictures: any entry of `Output.aux` that has a height and a width.

It knows no model: a tensor's number of channels says what it is drawn as.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from posegan.images import to_bytes
from posegan.models import Output
from posegan.pose import Size
from posegan.spread import evenly_spread

LIMIT = 12  # pictures of one model


def inside(output: Output, size: Size, limit: int = LIMIT) -> dict[str, Tensor]:
    """Return {caption: (B, 3, H, W) uint8 on the CPU} of intermediate results, enlarged pixel by pixel to (H, W).

    Three channels are a picture in [-1, 1]; two are a flow, direction as hue and length as saturation; one or many are
    a map, its mean over channels from its own least (black) to its own largest value (white). An entry (B, P, C, h, w)
    is P of them. At most `limit`, at even distances; what has no height and width is left out.
    """
    found = {}
    for name, entries in output.aux.items():
        maps = [m for entry in entries if isinstance(entry, Tensor) for m in _maps(entry)]
        for i, values in enumerate(maps):
            if values is output.image:
                continue
            picture = F.interpolate(_draw(values.detach().float()), size, mode="nearest")
            found[f"{name} {i + 1}" if len(maps) > 1 else name] = to_bytes(picture).cpu()
    chosen = evenly_spread(len(found), limit).tolist()
    return {name: picture for i, (name, picture) in enumerate(found.items()) if i in chosen}


def _maps(entry: Tensor) -> list[Tensor]:
    if entry.dim() == 5:
        return list(entry.unbind(1))
    return [entry] if entry.dim() == 4 and min(entry.shape[-2:]) > 1 else []


def _draw(values: Tensor) -> Tensor:
    """(B, C, h, w) to a picture (B, 3, h, w) in [-1, 1]."""
    channels = values.shape[1]
    if channels == 3:
        return values.clamp(-1, 1)
    if channels == 2:
        return flow_colours(values)
    grey = values.mean(1, keepdim=True)
    low, high = grey.amin((2, 3), keepdim=True), grey.amax((2, 3), keepdim=True)
    return ((grey - low) / (high - low).clamp_min(1e-6) * 2 - 1).expand(-1, 3, -1, -1)


def flow_colours(flow: Tensor) -> Tensor:
    """Return a flow (B, 2, h, w) as a picture (B, 3, h, w) in [-1, 1]: white is still, hue is the direction.

    Each photo's longest vector is fully saturated.
    """
    x, y = flow.unbind(1)
    length = (x.square() + y.square()).sqrt()
    share = (length / length.amax((1, 2), keepdim=True).clamp_min(1e-6))[:, None]
    angle = torch.atan2(y, x)[:, None] - flow.new_tensor([0, 2, 4])[:, None, None] * math.pi / 3
    pure = (angle.cos() * 0.75 + 0.5).clamp(0, 1)  # three raised cosines a third of a turn apart
    return (1 - share * (1 - pure)) * 2 - 1
