"""Weights beside others of the same architecture: the difference at four bits a number, and weights in between.

Weights that went on from shipped ones differ from them by little, so that coarse steps are enough. Names and shapes
are all this knows; files are the business of posegan.weights.
"""

import torch
from torch import Tensor

STEPS = 7  # to either side of zero
STEP = ".step"  # what is added to a tensor's name for the size of its steps


def pack(tensors: dict[str, Tensor], base: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the difference to `base`: per weight tensor two numbers a byte, and one size of step per output channel.

    Tensors of one dimension or none are stored as they are.
    """
    packed = {}
    for name, value in tensors.items():
        if value.dim() < 2:
            packed[name] = value
            continue
        rows = (value - base[name]).flatten(1)
        step = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / STEPS
        nibbles = ((rows / step).round() + STEPS).to(torch.uint8).flatten()
        nibbles = torch.cat([nibbles, nibbles.new_zeros(len(nibbles) % 2)])
        packed[name] = nibbles[0::2] << 4 | nibbles[1::2]
        packed[name + STEP] = step[:, 0]
    return packed


def unpack(packed: dict[str, Tensor], base: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that `pack` was given, but for its rounding.

    Raises KeyError or RuntimeError if `packed` does not fit `base`.
    """
    tensors = {}
    for name, whole in base.items():
        if whole.dim() < 2:
            tensors[name] = packed[name]
            continue
        pairs = packed[name]
        nibbles = torch.stack([pairs >> 4, pairs & 15], 1).flatten()[: whole.numel()]
        rows = (nibbles.float() - STEPS).reshape(len(whole), -1) * packed[name + STEP][:, None]
        tensors[name] = whole + rows.reshape(whole.shape)
    return tensors


def between(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return the weights that are a share, 0 to 1, of the way from `start` to `end`; counts are those of `end`.

    Where one run went on from the other, these are weights of a model between the two (interpolation of networks:
    Wang et al., ESRGAN, 2018). Raises ValueError naming the first tensor that only one has, or that differs in shape.
    """
    odd = min(start.keys() ^ end.keys(), default=None) or next((n for n in end if start[n].shape != end[n].shape), None)
    if odd is not None:
        raise ValueError(odd)
    return {n: torch.lerp(start[n], e, share) if e.is_floating_point() else e for n, e in end.items()}
