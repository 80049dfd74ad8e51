"""The flagship's deformable skip: the body parts' flow plus a learned residual, a gate, and attention where asked.

The flow itself is made in layers/part_flow.py; the masked affines of Deformable GAN are in layers/warp.py.
"""

import torch
from torch import Tensor, nn

from posegan.layers.attention import Attention
from posegan.layers.warp import warp_by_flow


class DeformableSkip(nn.Module):
    """Moves one source map to the target pose: base flow plus learned residual, then a gate for what is hidden."""

    def __init__(self, source: int, guide: int, deform: str, attention: bool) -> None:
        super().__init__()
        self.deform = deform
        outputs = 1 if deform == "affine" else 3  # the gate, and two numbers of residual flow
        hidden = min(64, guide // 2)
        self.head = nn.Sequential(
            nn.Conv2d(guide, hidden, 1), nn.SiLU(), nn.Conv2d(hidden, hidden, 3, padding=1), nn.SiLU()
        )
        self.last = nn.Conv2d(hidden, outputs, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)  # no residual and a half-open gate at the start
        self.attention = Attention(guide, source) if attention else None

    def forward(self, source: Tensor, guide: Tensor, base: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the moved map (B, Cs, h, w), the residual flow (B, 2, h, w) in pixels and the gate (B, 1, h, w)."""
        predicted = self.last(self.head(guide)).float()
        gate = torch.sigmoid(predicted[:, :1])
        residual = predicted[:, 1:] if self.deform != "affine" else torch.zeros_like(base)
        flow = residual if self.deform == "flow" else base + residual
        moved = warp_by_flow(source, flow) * gate.to(source.dtype)
        if self.attention is not None:
            moved = moved + self.attention(guide, source)
        return moved, residual, gate
