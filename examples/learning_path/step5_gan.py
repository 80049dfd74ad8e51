"""Step 5: a generative adversarial network that learns to draw digits.

So far every image came with the right answer. For drawing there is none: which digit should come out of a handful of
random numbers? Any, as long as it looks like one. Comparing it pixel by pixel with some real digit would only teach
the average of all digits. A GAN (Goodfellow et al. 2014) learns the comparison itself, with two networks:

    the generator      G: noise z -> image
    the discriminator  D: image -> logit, positive where it takes the image for real

D is trained as a classifier, real against drawn, and G to be taken for real by D, through the gradient that D gives it:

    L_D = -log s(D(x)) - log(1 - s(D(G(z))))        s the sigmoid, x real images
    L_G = -log s(D(G(z)))

(L_G = log(1 - s(D(G(z)))) would be the exact opponent, but is flat where D is sure, just when G needs the gradient.)
Neither loss tells how good the drawings are: each is measured against an opponent that changes. If D cannot tell them
apart it says s = 1/2 to everything, so L_D = 2 log 2 and L_G = log 2; if it can, L_G is large, and G still learns.
Quality needs a measure of its own: here the Frechet distance between pixels, which is the well-known FID without its
network. It compares two clouds of vectors by their means and covariances.

    python examples/learning_path/step5_gan.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from data import load_digits
from numpy.typing import NDArray
from program import Figure, Options, run
from step3_cnn import planes
from torch import Tensor, nn
from torch.nn import functional as F

from posegan.metrics.frechet import Moments, frechet_distance

STEPS, BATCH, NOISE, SNAPSHOTS = 1500, 64, 32, 7


class Generator(nn.Sequential):
    """Vectors (N, inputs) -> images (N, 1, S, S) in [-1, 1]; S a multiple of 4. The classifier of step 3, backwards."""

    def __init__(self, size: int, inputs: int = NOISE, width: int = 32) -> None:
        super().__init__(
            nn.Linear(inputs, 2 * width * (size // 4) ** 2),
            nn.Unflatten(1, (2 * width, size // 4, size // 4)),  # (N, 64, S/4, S/4)
            nn.BatchNorm2d(2 * width),  # without it G tends to draw one image whatever the noise is
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(2 * width, width, 3, padding=1),  # (N, 32, S/2, S/2)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width, width // 2, 3, padding=1),  # (N, 16, S, S)
            nn.BatchNorm2d(width // 2),
            nn.ReLU(),
            nn.Conv2d(width // 2, 1, 3, padding=1),
            nn.Tanh(),  # to [-1, 1], the range of the real images
        )


class Discriminator(nn.Sequential):
    """Images (N, channels, S, S) in [-1, 1] -> logits (N, 1); S a multiple of 4."""

    def __init__(self, size: int, channels: int = 1, width: int = 32) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),  # a ReLU would pass no gradient to G wherever it is off
            nn.Conv2d(width, width, 4, stride=2, padding=1),  # a stride instead of pooling: all pixels get a gradient
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Dropout(0.3),  # D must not know the few real digits by heart
            nn.Linear(2 * width * (size // 4) ** 2, 1),
        )


def discriminator_loss(real: Tensor, drawn: Tensor) -> Tensor:
    """Return L_D of two sets of logits; softplus(-l) = -log s(l), and log(1 - s(l)) = -softplus(l), never log(0)."""
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def generator_loss(drawn: Tensor) -> Tensor:
    """Return L_G of the logits of drawn images."""
    return F.softplus(-drawn).mean()


def new_optimisers(*networks: nn.Module) -> list[torch.optim.Adam]:
    """Return an Adam for each network; its memory is short (0.5, not 0.9), since the opponent keeps changing."""
    return [torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999)) for network in networks]


class History(NamedTuple):
    """The course of a training: losses of each step, and drawings of the same noise at some of the steps."""

    discriminator: list[float]
    generator: list[float]
    snapshots: dict[int, Tensor]


def train(images: Tensor, steps: int, seed: int) -> tuple[Generator, History]:
    """Return a generator trained on images (N, 1, S, S) in [-1, 1], and the course of its training."""
    torch.manual_seed(seed)
    generator, discriminator = Generator(images.shape[-1]), Discriminator(images.shape[-1])
    rule_g, rule_d = new_optimisers(generator, discriminator)
    history = History([], [], {})
    always = torch.randn(10, NOISE)
    # Snapshots at steps 0 and `steps`, closer together at the start, where more happens.
    shown = {round(steps * (i / (SNAPSHOTS - 1)) ** 2.5) for i in range(SNAPSHOTS)}
    for step in range(steps + 1):
        if step in shown:
            history.snapshots[step] = draw_from(generator, always)
        if step == steps:
            break
        real = images[torch.randint(len(images), (BATCH,))]
        drawn = generator(torch.randn(BATCH, NOISE))

        loss_d = discriminator_loss(discriminator(real), discriminator(drawn.detach()))  # detached: G stays as it is
        rule_d.zero_grad()
        loss_d.backward()
        rule_d.step()

        loss_g = generator_loss(discriminator(drawn))  # judged by the D that has just learned
        rule_g.zero_grad()
        loss_g.backward()  # also leaves gradients in D, which its zero_grad clears
        rule_g.step()
        history.discriminator.append(loss_d.item())
        history.generator.append(loss_g.item())
    return generator, history


@torch.no_grad()
def draw_from(generator: nn.Module, noise: Tensor) -> Tensor:
    """Return the drawings of a generator in use, with the running means of its batch norms."""
    generator.eval()
    drawn = torch.cat([generator(some) for some in noise.split(1000)])
    generator.train()
    return drawn


def distance(first: Tensor, second: Tensor) -> float:
    """Return the Frechet distance between two sets of images, each a vector of its pixels."""
    return frechet_distance(Moments.of(first.flatten(1)), Moments.of(second.flatten(1)))


def teach(options: Options) -> Figure:
    """Train, measure against real test digits before and after, and draw the course of it."""
    digits = load_digits(options.data, options.download)
    images, test = 2 * planes(digits.images) - 1, 2 * planes(digits.test_images) - 1
    torch.manual_seed(options.seed)
    noise = torch.randn(2000, NOISE)
    before = distance(draw_from(Generator(digits.size), noise), test)
    generator, history = train(images, options.steps, options.seed)
    after = distance(draw_from(generator, noise), test)
    last = slice(-max(1, options.steps // 10), None)
    losses = np.mean(history.discriminator[last]), np.mean(history.generator[last])
    print(f"{digits.name}: {options.steps} steps, losses in the last tenth: D {losses[0]:.2f}, G {losses[1]:.2f}")
    print(f"(a D that cannot tell: D {2 * np.log(2):.2f}, G {np.log(2):.2f}).\n")
    print("Frechet distance of pixels to real test digits (lower is better):")
    print(f"  drawings before training {before:8.2f}\n  drawings after it        {after:8.2f}")
    print(f"  real training digits     {distance(images, test):8.2f}   (what a perfect generator would get)")
    return draw(history, test)


def draw(history: History, real: Tensor) -> Figure:
    """Return the figure: the two losses, and what the same ten noises become."""
    figure = Figure(dpi=110, figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, losses, even in (("D", history.discriminator, 2 * np.log(2)), ("G", history.generator, np.log(2))):
        window = max(1, len(losses) // 50)
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        (line,) = left.plot(np.arange(len(smooth)) + window, smooth, label=f"loss of {name}")
        left.axhline(even, color=line.get_color(), ls=":", lw=1)
    left.set(xlabel="step", title="The losses (dotted: where D cannot tell)", ylim=(0, None))
    left.grid(alpha=0.3)
    left.legend()
    rows = [*history.snapshots.values(), real[:10]]
    right.imshow(sheet(rows), cmap="gray_r", vmin=-1, vmax=1)
    names = [*(f"step {step}" for step in history.snapshots), "real"]
    pitch = real.shape[-1] + 1
    right.set_yticks([pitch * (i + 0.5) for i in range(len(rows))], names)
    right.set_xticks([])
    right.tick_params(left=False)
    right.set_title("The same ten noises, over time")
    return figure


def sheet(rows: Sequence[Tensor]) -> NDArray[np.float32]:
    """Return rows of images (N, 1, S, S) side by side and below each other, with grey lines between them."""
    framed = [F.pad(row[:, 0], (1, 0, 1, 0), value=-0.4) for row in rows]
    return torch.cat([torch.cat(list(row), dim=1) for row in framed]).numpy()


READ_NEXT = """
  step6_conditional_gan.py: drawing the digit that was asked for.
  Goodfellow et al. 2014, "Generative Adversarial Networks" (arXiv 1406.2661).
  Radford et al. 2016, DCGAN (arXiv 1511.06434): the habits of the two networks above.
  Heusel et al. 2017 (arXiv 1706.08500): the FID. Mescheder et al. 2018 (arXiv 1801.04406): which GANs converge.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    return run(teach, STEPS, __doc__ or "", READ_NEXT, argv)


if __name__ == "__main__":
    sys.exit(main())
