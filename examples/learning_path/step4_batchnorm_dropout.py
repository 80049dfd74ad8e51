"""Step 4: batch normalisation and dropout, with and without each, on colour images of which there are too few.

Ten people, fifteen photos of each: who is it on a new photo? The network has hundreds of times more parameters than
it has photos, so it soon knows every training photo by heart, background and all. What it has learned about the people
only the test photos tell, in other poses, from other sides, in other places.

Two cures for two illnesses. Batch normalisation is for training itself: each layer learns on top of signals whose size
and offset keep shifting while the layers below learn; normalised signals let it learn faster. Dropout is for what
training ends in: a network that knows its few examples by heart gives wrong answers with full confidence, as the test
loss shows long before the test accuracy does. Both are written out below; `nn.BatchNorm2d` and `nn.Dropout` are the
same, faster. Both behave differently in training and in use, the commonest trap of all: hence `train()` and `eval()`.

    python examples/learning_path/step4_batchnorm_dropout.py

The photos are posegan's synthetic people. With --data FOLDER it is CIFAR-10, ten kinds of things, 2,000 photos.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from data import torchvision_set
from numpy.typing import NDArray
from program import Figure, Options, run
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.data.synthetic import SyntheticPeople
from posegan.images import tile, to_pil, to_signed

STEPS, BATCH, RUNS, CHECKS = 210, 32, 3, 7
VARIANTS = {  # name: (with batch normalisation, with dropout)
    "plain": (False, False),
    "dropout": (False, True),
    "batch norm": (True, False),
    "both": (True, True),
}


class Photos(NamedTuple):
    """Colour photos (N, 3, H, W) in [-1, 1] of ten classes and their labels (N,), for training and for the test."""

    name: str
    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


class BatchNorm(nn.Module):
    """Normalise each channel of (N, C, H, W) to mean 0 and variance 1, then scale and shift it (Ioffe, Szegedy 2015).

        y = weight * (x - mean) / sqrt(variance + eps) + bias

    In training, mean and variance are those of the batch, over N, H and W. A single photo has no batch; so in use they
    are running means of what training saw. `weight` and `bias` are learned and can undo the normalisation.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, eps: float = 1e-5, rate: float = 0.1) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.eps, self.rate = eps, rate
        # Buffers belong to the state of the network, but no gradient changes them.
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            with torch.no_grad():
                n = x.numel() / x.shape[1]
                self.mean.lerp_(mean, self.rate)
                self.variance.lerp_(variance * n / (n - 1), self.rate)  # n - 1: the unbiased estimate
        scale = self.weight / torch.sqrt(variance + self.eps)
        return (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]


class Dropout(nn.Module):
    """In training, set each number to 0 with probability p (Srivastava et al. 2014); in use, do nothing.

    No unit can rely on one other unit, so what is learned is spread over many. What is left is divided by 1 - p, so
    that sums keep their size on average and use needs no correction.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p) if self.training else x


def new_network(size: tuple[int, int], batch_norm: bool, dropout: bool, width: int = 12) -> nn.Sequential:
    """Return a network from (N, 3, H, W) to logits (N, 10): the shape of step 3 with one more level."""
    layers: list[nn.Module] = []
    channels = 3
    for level in range(3):
        for _ in range(2):
            layers.append(nn.Conv2d(channels, width << level, 3, padding=1))
            layers += [BatchNorm(width << level)] if batch_norm else []
            layers.append(nn.ReLU())
            channels = width << level
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    for inputs, outputs in ((channels * (size[0] // 8) * (size[1] // 8), 128), (128, 10)):
        layers += [Dropout(0.5)] if dropout else []  # where most parameters are
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    for layer in network:
        if isinstance(layer, nn.Conv2d):  # as in step 1; PyTorch's own start is smaller and slow for the plain network
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return network


@torch.no_grad()
def examine(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return accuracy and loss in use: without dropout, with the running means."""
    network.eval()
    logits = torch.cat([network(some) for some in images.split(500)])
    network.train()
    return (logits.argmax(1) == labels).float().mean().item(), F.cross_entropy(logits, labels).item()


def train(photos: Photos, batch_norm: bool, dropout: bool, steps: int, seed: int) -> list[list[float]]:
    """Train one network and return rows of (step, training accuracy, test accuracy, test loss)."""
    torch.manual_seed(seed)
    network = new_network((photos.images.shape[2], photos.images.shape[3]), batch_norm, dropout)
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    found = []
    for step in range(1, steps + 1):
        batch = torch.randint(len(photos.images), (BATCH,))
        loss = F.cross_entropy(network(photos.images[batch]), photos.labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % max(1, steps // CHECKS) == 0 or step == steps:
            learned, _ = examine(network, photos.images, photos.labels)
            found.append([step, learned, *examine(network, photos.test_images, photos.test_labels)])
    return found


def synthetic_people(people: int = 10, training: int = 15, test: int = 30) -> Photos:
    """Return photos of synthetic people, 32x16, `training` and `test` of each; no photo is in both."""
    each = training + test
    pictures = to_signed(SyntheticPeople(people, (32, 16), each, seed=1).read(range(people * each)))
    by_person = pictures.unflatten(0, (people, each))
    labels = torch.arange(people)
    return Photos(
        "synthetic people",
        by_person[:, :training].flatten(0, 1),
        labels.repeat_interleave(training),
        by_person[:, training:].flatten(0, 1),
        labels.repeat_interleave(test),
    )


def load_photos(options: Options) -> Photos:
    """Return the first 2,000 photos of CIFAR-10 and of its test if a folder is given, synthetic people if not."""
    if options.data is None:
        return synthetic_people()
    halves = []
    for part in (True, False):
        half = torchvision_set("CIFAR10", options.data, options.download, train=part)
        pixels = torch.from_numpy(half.data[:2000]).permute(0, 3, 1, 2)  # stored as (N, H, W, 3) uint8
        halves += [to_signed(pixels), torch.tensor(half.targets[:2000])]
    return Photos("CIFAR-10", *halves)


def teach(options: Options) -> Figure:
    """Train each variant RUNS times and draw what it remembers and what it has understood."""
    photos = load_photos(options)
    print(f"{photos.name}: {len(photos.images)} photos to train with, {len(photos.test_images)} to test with.\n")
    print(f"after {options.steps} steps, mean of {RUNS} runs (test accuracy: lowest to highest):")
    print(f"{'':<14}training accuracy   test accuracy              test loss (log 10 = 2.30 is guessing)")
    found: dict[str, NDArray[np.float64]] = {}
    for name, (batch_norm, dropout) in VARIANTS.items():
        seeds = range(options.seed, options.seed + RUNS)
        found[name] = np.array([train(photos, batch_norm, dropout, options.steps, seed) for seed in seeds])
        _, learned, known, loss = found[name][:, -1].T
        spread = f"({known.min():.1%} to {known.max():.1%})"
        print(f"{name:<14}{learned.mean():<20.1%}{known.mean():<7.1%}{spread:<20}{loss.mean():.2f}")
    return draw(photos, found)


def draw(photos: Photos, found: dict[str, NDArray[np.float64]]) -> Figure:
    """Return the figure: some photos of each class, and the course of training, mean and range of the runs."""
    figure = Figure(dpi=110, figsize=(11, 6), layout="constrained")
    bands = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 2.2))[:, 0]
    four = torch.stack([photos.images[photos.labels == k][:4] for k in range(10)])  # (10, 4, 3, H, W)
    two_rows = four.unflatten(1, (2, 2)).transpose(0, 1).flatten(0, 2)
    shown = bands[0].subplots()
    shown.imshow(to_pil(tile(two_rows, 20, gap=1)))
    shown.set_title(f"{photos.name}: two columns for each of the ten classes, four training photos of it")
    shown.set_axis_off()
    titles = ("training accuracy", "test accuracy", "test loss")
    for column, (axes, title) in enumerate(zip(bands[1].subplots(1, 3), titles, strict=True), start=1):
        for name, values in found.items():
            steps, runs = values[0, :, 0], values[:, :, column]
            (line,) = axes.plot(steps, runs.mean(0), "o-", ms=3, label=name)
            axes.fill_between(steps, runs.min(0), runs.max(0), color=line.get_color(), alpha=0.15, lw=0)
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
    bands[1].axes[0].legend(loc="lower right")
    return figure


READ_NEXT = """
  step5_gan.py: a network that makes images, taught by one that judges them.
  Ioffe and Szegedy 2015, "Batch Normalization" (arXiv 1502.03167); Santurkar et al. 2018 on why it really helps
  (arXiv 1805.11604).
  Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (JMLR 15).
  Wu and He 2018, "Group Normalization" (arXiv 1803.08494): the norm of posegan's own model, which needs no batch.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    return run(teach, STEPS, __doc__ or "", READ_NEXT, argv)


if __name__ == "__main__":
    sys.exit(main())
