"""Step 3: a deep convolutional network, and what the optimiser and its learning rate do to it.

Steps 1 and 2 gave each hidden unit a weight for every pixel. Shuffle the pixels of all images alike and such a network
learns just as well: it does not know that pixels have neighbours, and a stroke learned in one place means nothing to
it in another. A convolution looks at 3x3 pixels and slides the same weights over the whole image: fewer numbers to
learn, and a stroke is the same stroke everywhere. Layers on layers see further: two 3x3 convolutions see 5x5 pixels,
and pooling, which keeps the largest of 2x2, doubles the reach of all that follow.

Deeper networks are fussier about how they are trained. So the learning rate is searched here, for three optimisers, on
images that are kept out of training (validation). The test images are looked at once, at the end: a number that was
used to choose something no longer measures it fairly.

    python examples/learning_path/step3_cnn.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import torch
from data import Digits, Images, Labels, load_digits
from program import Figure, Options, run
from torch import Tensor, nn
from torch.nn import functional as F

STEPS, BATCH = 600, 64
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
OPTIMISERS = ("SGD", "momentum", "Adam")


class Classifier(nn.Module):
    """Images (N, 1, S, S) in [0, 1] -> logits (N, 10); S a multiple of 4."""

    def __init__(self, size: int, width: int = 16) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),  # (N, 16, S, S); one pixel of padding keeps the size
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, S/2, S/2)
            nn.Conv2d(width, 2 * width, 3, padding=1),  # half the pixels a side, twice the features
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 32, S/4, S/4)
        )
        self.logits = nn.Linear(2 * width * (size // 4) ** 2, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.logits(self.features(images).flatten(1))
        return logits


def new_optimiser(name: str, network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Return one of the three optimisers of step 1."""
    if name == "Adam":
        return torch.optim.Adam(network.parameters(), lr=rate)
    return torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9 if name == "momentum" else 0.0)


def train(
    images: Tensor, labels: Tensor, steps: int, seed: int, optimiser: str = "Adam", rate: float = 3e-3
) -> tuple[Classifier, list[float]]:
    """Return a classifier trained on images (N, 1, S, S) with labels (N,), and the loss of each step."""
    torch.manual_seed(seed)  # of the weights and the batches
    network = Classifier(images.shape[-1])
    rule = new_optimiser(optimiser, network, rate)
    losses = []
    for _ in range(steps):
        batch = torch.randint(len(images), (BATCH,))
        loss = F.cross_entropy(network(images[batch]), labels[batch])
        rule.zero_grad()
        loss.backward()
        rule.step()
        losses.append(loss.item())
    return network, losses


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Return the logits (N, 10) of any number of images, a thousand at a time."""
    return torch.cat([network(some) for some in images.split(1000)])


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of images that are read right."""
    return (predict(network, images).argmax(1) == labels).float().mean().item()


def planes(images: Images) -> Tensor:
    """Return images (N, H, W) as PyTorch wants them, (N, channels, H, W), here with one channel."""
    return torch.from_numpy(images)[:, None]


def search(images: Tensor, labels: Tensor, steps: int, seed: int) -> dict[str, list[float]]:
    """Return for each optimiser the validation loss that it reaches with each of RATES."""
    held_out = len(images) // 5
    reached: dict[str, list[float]] = {}
    print(f"validation loss after {steps} steps, for each learning rate (log 10 = 2.30 is guessing):")
    print(" " * 10 + "".join(f"{rate:>9g}" for rate in RATES))
    for name in OPTIMISERS:
        reached[name] = []
        for rate in RATES:
            network, _ = train(images[held_out:], labels[held_out:], steps, seed, name, rate)
            loss = F.cross_entropy(predict(network, images[:held_out]), labels[:held_out]).item()
            reached[name].append(loss)
        print(f"{name:<10}" + "".join(f"{loss:>9.3g}" for loss in reached[name]))
    return reached


def teach(options: Options) -> Figure:
    """Search learning rates on a part of the training images, train on all of them with the best, and test once."""
    digits = load_digits(options.data, options.download)
    images, labels = planes(digits.images), torch.from_numpy(digits.labels)
    reached = search(images, labels, max(1, options.steps // 4), options.seed)

    curves, best = {}, min(OPTIMISERS, key=lambda name: np.nanmin(reached[name]))
    print(f"\nTrained on all of {digits.name} for {options.steps} steps, each with its best rate:")
    for name in OPTIMISERS:
        rate = RATES[int(np.nanargmin(reached[name]))]
        network, losses = train(images, labels, options.steps, options.seed, name, rate)
        curves[f"{name}, rate {rate:g}"] = losses
        if name == best:
            chosen = network
    test = planes(digits.test_images)
    said = predict(chosen, test).argmax(1).numpy()
    right = (said == digits.test_labels).mean()
    count = sum(p.numel() for p in chosen.parameters())
    print(f"  {best} won on validation; with it {right:.1%} of {len(said)} test images are read right")
    print(f"  by a network of {count:,} parameters.")
    return draw(digits, reached, curves, said)


def draw(digits: Digits, reached: dict[str, list[float]], curves: dict[str, list[float]], said: Labels) -> Figure:
    """Return the figure: the search, the training with the best rates, and the digits that are still misread."""
    figure = Figure(dpi=110, figsize=(11, 5.6), layout="constrained")
    bands = figure.subfigures(2, 1, squeeze=False, height_ratios=(3, 1))[:, 0]
    left, right = bands[0].subplots(1, 2)
    for name, losses in reached.items():
        # A run that blew up counts as guessing.
        left.plot(RATES, np.clip(np.nan_to_num(losses, nan=2.5), None, 2.5), "o-", ms=4, label=name)
    left.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="validation loss", ylim=(0.06, 3))
    left.set_title("Too small learns slowly, too large not at all")
    left.axhline(np.log(10), color="gray", lw=0.8, ls=":")
    left.text(0.01, np.log(10), "guessing", color="gray", fontsize=8, va="top", transform=left.get_yaxis_transform())
    for name, losses in curves.items():
        window = max(1, len(losses) // 20)
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        right.plot(np.arange(len(smooth)) + window, smooth, label=name)
    right.set(yscale="log", xlabel="step", ylabel="training loss", title="Each with its best learning rate")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left", ncols=3 if axes is left else 1)
    wrong = np.flatnonzero(said != digits.test_labels)
    bands[1].suptitle(f"Test digits that are misread: {len(wrong)} of {len(said)}", fontsize=10, x=0.01, ha="left")
    cells = bands[1].subplots(1, 10)
    for axes in cells:
        axes.set_axis_off()
    for axes, i in zip(cells, wrong, strict=False):
        axes.imshow(digits.test_images[i], cmap="gray_r")
        axes.set_title(f"{digits.test_labels[i]} read as {said[i]}", fontsize=8)
    return figure


READ_NEXT = """
  step4_batchnorm_dropout.py: colour images, too few of them, and two cures for two illnesses.
  LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition": the network that read cheques.
  Simonyan and Zisserman 2015, VGG (arXiv 1409.1556): 3x3 convolutions and pooling, deep; its features come back in
  step 7 as the perceptual loss.
  Goodfellow, Bengio and Courville, "Deep Learning", chapter 9 (deeplearningbook.org).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    return run(teach, STEPS, __doc__ or "", READ_NEXT, argv)


if __name__ == "__main__":
    sys.exit(main())
