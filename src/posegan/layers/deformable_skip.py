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

    def forward(
        self, source: Tensor, guide: Tensor, base: Tensor, shares: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the moved map (B, Cs, h, w), the residual flow (B, 2, h, w) in pixels and the gate (B, 1, h, w).

        source, base: (B, ...), or with `shares` (B, K, h, w) those of K photos for each guide, (B * K, ...), of whose
        moved maps the weighted sum is returned.
        """
        predicted = self.last(self.head(guide)).float()
        gate = torch.sigmoid(predicted[:, :1])
        residual = predicted[:, 1:] if self.deform != "affine" else torch.zeros_like(base)
        photos = 1 if shares is None else shares.shape[1]
        guide, offset, kept = (_for_each(x, photos) for x in (guide, residual, gate))
        flow = offset if self.deform == "flow" else base + offset
        moved = warp_by_flow(source, flow) * kept.to(source.dtype)
        if self.attention is not None:
            moved = moved + self.attention(guide, source)
        if shares is not None:
            moved = (moved.unflatten(0, (-1, photos)) * shares[:, :, None].to(moved.dtype)).sum(1)
        return moved, residual, gate


def _for_each(maps: Tensor, photos: int) -> Tensor:
    return maps if photos == 1 else maps.repeat_interleave(photos, 0)
