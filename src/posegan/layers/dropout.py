"""Dropout whose random numbers cost little on a CPU."""

import torch
from torch import Tensor, nn

VALUES = 1 << 16  # of the 16 bits that decide about an element
WHOLE = -(1 << 63)  # where random 64-bit integers begin that may have any value


class Dropout(nn.Dropout):
    """`nn.Dropout`, p to 16 bits, with four decisions a random number.

    On a CPU torch draws one number an element, one after the other, which took up to 13 % of a training step
    (docs/speed.md). On other devices, and for p of 0 or 1, it is torch's own.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x of any shape with elements set to 0 at random and the others scaled up, in training only."""
        dropped = round(self.p * VALUES)
        if not self.training or x.device.type != "cpu" or not 0 < dropped < VALUES:
            return super().forward(x)
        drawn = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(WHOLE, None).view(torch.int16)
        keep = drawn[: x.numel()] >= dropped - VALUES // 2
        order = torch.empty_like(x, dtype=torch.bool).stride()  # that of x, without gaps
        return x * keep.as_strided(x.shape, order) * (VALUES / (VALUES - dropped))
