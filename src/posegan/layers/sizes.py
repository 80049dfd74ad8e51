"""What lets a network with fully connected layers be counted from one photo size and run at others.

TensorFlow's SAME padding, the size of a map after some halvings, and the resizing of a map to a size that a linear
layer was built for. No network here.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from posegan.pose import Size


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: (B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride)).

    The odd pixel of padding goes to the bottom and right edge, so that a stride of 2 over an even size and a 3x3
    kernel pads only there; torch's `padding=1` would shift the result by a pixel.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, at 1 / stride of the resolution."""
        return self.convolve(x, self.weight)

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return what the layer would with these weights, which a subclass makes of its own."""
        (above, below), (left, right) = (self._padding(x.shape[2 + axis], axis) for axis in (0, 1))
        if above == below and left == right:
            return F.conv2d(x, weight, self.bias, self.stride, (above, left))
        return F.conv2d(F.pad(x, (left, right, above, below)), weight, self.bias, self.stride)

    def _padding(self, length: int, axis: int) -> tuple[int, int]:
        stride, kernel = self.stride[axis], self.kernel_size[axis]
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        return total // 2, total - total // 2


def halved(size: Size, times: int) -> Size:
    """Return the size of a map after that many convolutions of stride 2 with SAME padding."""
    return -(-size[0] // 2**times), -(-size[1] // 2**times)


def fit_map(x: Tensor, size: Size) -> Tensor:
    """Return the map (B, C, H, W) at the size that a linear layer was built for, bilinear; itself if it fits."""
    if (x.shape[-2], x.shape[-1]) == size:
        return x
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
