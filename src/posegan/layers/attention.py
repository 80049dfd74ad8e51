"""Attention from one feature map to another, for what no flow can fetch. It knows no poses."""

from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Each target position gathers source features by likeness: (B, Ct, h, w), (B, Cs, h, w) -> (B, Cs, h, w)."""

    def __init__(self, target: int, source: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Conv2d(target, source, 1)
        self.key = nn.Conv2d(source, source, 1)
        self.value = nn.Conv2d(source, source, 1)

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """Return source features at the target's positions."""
        batch, channels, height, width = source.shape

        def split(x: Tensor) -> Tensor:  # (B, heads, h*w, C / heads)
            return x.reshape(batch, self.heads, channels // self.heads, height * width).transpose(2, 3)

        gathered = F.scaled_dot_product_attention(
            split(self.query(target)), split(self.key(source)), split(self.value(source))
        )
        return gathered.transpose(2, 3).reshape(batch, channels, height, width)
