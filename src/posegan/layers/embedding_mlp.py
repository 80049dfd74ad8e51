"""Networks of linear layers for embeddings and joint coordinates: Disentangled's pose auto-encoder, mappers, critics.

All activations are LReLU 0.2. What they are trained for is in models/disentangled.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.layers.init import glorot_uniform
from posegan.pose import COCO18, Pose, Size

JOINTS = len(COCO18)
BLOCKS = 4  # residual blocks of every network but the critics


class _ResidualLinear(nn.Module):
    """x + lrelu(linear(lrelu(linear(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.layers(x)
        return out


class ResidualMLP(nn.Module):
    """(B, inputs) -> (B, outputs): linear, four residual blocks of `hidden` numbers, linear without activation.

    activate: whether an activation follows the first linear layer.
    """

    def __init__(self, inputs: int, outputs: int, hidden: int, *, activate: bool = True) -> None:
        super().__init__()
        self.widen = nn.Linear(inputs, hidden)
        self.activate = activate
        self.blocks = nn.Sequential(*(_ResidualLinear(hidden) for _ in range(BLOCKS)))
        self.last = nn.Linear(hidden, outputs)
        glorot_uniform(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the mapped vectors."""
        x = self.widen(x)
        out: Tensor = self.last(self.blocks(F.leaky_relu(x, 0.2) if self.activate else x))
        return out


class Mapper(nn.Module):
    """Gaussian noise (B, size) -> embeddings (B, size) like those of photos; `noise`: its standard deviation."""

    trained: Tensor

    def __init__(self, size: int, hidden: int, noise: float) -> None:
        super().__init__()
        self.size = size
        self.noise = noise
        self.layers = ResidualMLP(size, size, hidden)
        self.register_buffer("trained", torch.zeros(()))  # 1 after the first update: saved, so that weights can tell

    def forward(self, noise: Tensor) -> Tensor:
        """Return the embeddings that belong to noise."""
        embedding: Tensor = self.layers(noise)
        return embedding

    def draw(self, count: int) -> Tensor:
        """Return `count` embeddings; the noise is drawn on the CPU, so that a seed means the same on every device."""
        noise = torch.randn(count, self.size) * self.noise
        embedding: Tensor = self(noise.to(self.trained.device))
        return embedding


class EmbeddingCritic(nn.Module):
    """(B, size) embeddings -> (B, 1): higher for those of photos. Four hidden layers, He-uniform.

    The last layer has no bias: it would cancel in the Wasserstein loss and never be trained.
    """

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(size if i == 0 else hidden, hidden) for i in range(4))
        self.last = nn.Linear(hidden, 1, bias=False)
        glorot_uniform(self)
        for layer in self.hidden:
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")

    def forward(self, embedding: Tensor) -> Tensor:
        """Return the scores."""
        for layer in self.hidden:
            embedding = F.leaky_relu(layer(embedding), 0.2)
        score: Tensor = self.last(embedding)
        return score


class PoseAutoEncoder(nn.Module):
    """Poses (B,) -> embeddings (B, size) -> poses (B,).

    Between them stand 54 numbers: the joints' x and y, which the frame maps to [-1, 1], and whether they are visible;
    a joint that is not has (-1, -1, 0).
    """

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.encoder = ResidualMLP(3 * JOINTS, size, hidden)
        self.decoder = ResidualMLP(size, 3 * JOINTS, hidden, activate=False)

    def numbers(self, pose: Pose, size: Size) -> Tensor:
        """Return the 54 numbers of poses in pixels of an (H, W) frame, as (B, 18, 3)."""
        frame = pose.xy.new_tensor([size[1], size[0]])
        return torch.cat([2 * pose.xy / frame - 1, pose.visible[..., None].to(pose.xy.dtype)], -1)

    def encode(self, pose: Pose, size: Size) -> Tensor:
        """Return the embeddings of poses in pixels of an (H, W) frame."""
        embedding: Tensor = self.encoder(self.numbers(pose, size).flatten(1))
        return embedding

    def decode_numbers(self, embedding: Tensor) -> Tensor:
        """Return the 54 numbers as (B, 18, 3); visibility is 0 or 1, its gradient that of the value before rounding."""
        numbers = self.decoder(embedding).float().unflatten(1, (JOINTS, 3))
        likely = numbers[..., 2:].sigmoid()
        rounded = likely + (likely.round() - likely).detach()
        return torch.cat([numbers[..., :2], rounded], -1)

    def decode(self, embedding: Tensor, size: Size) -> Pose:
        """Return poses in pixels of an (H, W) frame, joints outside moved to its edge."""
        numbers = self.decode_numbers(embedding)
        frame = numbers.new_tensor([size[1], size[0]])
        xy = (numbers[..., :2] + 1) / 2 * frame
        return Pose(xy.clamp(min=0).minimum(frame - 1), numbers[..., 2] > 0.5)
