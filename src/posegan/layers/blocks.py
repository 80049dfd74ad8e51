"""Convolution blocks that several generators and discriminators are built of. They know nothing of poses."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.dropout import Dropout

NormFactory = Callable[[int], nn.Module]  # channels -> layer


class DownBlock(nn.Module):
    """LReLU 0.2, conv 4 stride 2 pad 1 without bias, optional norm: (B, C, H, W) -> (B, C', H/2, W/2).

    The activation comes first, so that a skip connection carries the features before it (Deformable GAN).
    """

    def __init__(self, inputs: int, outputs: int, norm: NormFactory | None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.norm = norm(outputs) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at half the resolution."""
        out: Tensor = self.norm(self.conv(F.leaky_relu(x, 0.2)))
        return out


class UpBlock(nn.Module):
    """ReLU, transposed conv 4 stride 2 pad 1 without bias, norm, optional element-wise dropout 0.5: doubles H and W."""

    def __init__(self, inputs: int, outputs: int, norm: NormFactory, dropout: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.norm = norm(outputs)
        self.dropout = Dropout(0.5) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at twice the resolution."""
        out: Tensor = self.dropout(self.norm(self.conv(F.relu(x))))
        return out


class ResidualBlock(nn.Module):
    """x + conv3(act(norm(conv3(act(norm(x)))))): the pre-activation residual block; shapes stay."""

    def __init__(self, channels: int, norm: NormFactory) -> None:
        super().__init__()
        self.norms = nn.ModuleList([norm(channels), norm(channels)])
        self.convs = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of x."""
        out = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            out = conv(F.silu(norm(out)))
        return x + out
