"""The encoder of Disentangled: residual blocks at falling resolutions, then one linear layer to an embedding.

It is the left half of the residual U-Net without its first convolution.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.init import glorot_uniform
from posegan.layers.residual_unet import ResidualPair
from posegan.layers.sizes import SameConv2d, fit_map, halved
from posegan.pose import Size


def blocks_of_side(side: int) -> int:
    """Return how many resolutions a crop has: it is halved as long as that gives whole pixels (48: 5, 64: 7)."""
    blocks = 1
    while side % 2 == 0:
        side, blocks = side // 2, blocks + 1
    return blocks


class ResidualTower(nn.Module):
    """(B, width, H, W) -> (B, outputs) without activation.

    blocks: number of resolutions, of which the i-th has (i + 1) * width channels.
    size: (H, W) that the linear layer is counted from; at other sizes the deepest map is resized to it.
    Source: Disentangled (Ma et al. 2018), released code; Glorot-uniform kernels and zero biases.
    """

    def __init__(self, size: Size, blocks: int, width: int, outputs: int) -> None:
        super().__init__()
        channels = [width * (i + 1) for i in range(blocks)]
        self.blocks = nn.ModuleList(ResidualPair(c) for c in channels)
        self.down = nn.ModuleList(SameConv2d(channels[i], channels[i + 1], 3, stride=2) for i in range(blocks - 1))
        self.size = halved(size, blocks - 1)
        self.embed = nn.Linear(channels[-1] * self.size[0] * self.size[1], outputs)
        glorot_uniform(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embeddings."""
        x = self.blocks[0](x)
        for down, block in zip(self.down, self.blocks[1:], strict=True):
            x = block(F.relu(down(x)))
        embedding: Tensor = self.embed(fit_map(x, self.size).flatten(1))
        return embedding
