"""Step 6: a conditional GAN, which draws the digit it is asked for.

The GAN of step 5 draws whatever the noise happens to say. To ask for something, both networks are told what was asked
(Mirza and Osindero 2014). The request c is a one-hot vector of ten numbers; G gets it beside the noise, D beside the
image, as ten more channels, of which the one that was asked for is 1 everywhere:

    G(z, c) -> image        D(x, c) -> logit: is x a real image *of c*?

D sees real images with their own labels only. So a fine 3 that was asked to be a 5 is as wrong to it as a scribble,
and G can please it only by drawing what it was asked for. Nobody tells G what a 5 looks like.

Whether it obeys can be measured, unlike beauty: the classifier of step 3, which has nothing to do with the GAN, reads
the drawings, and its answer should be what was asked for. This is how posegan is measured too, where the request is
not a digit but a pose and a person: a pose detector looks at the generated photos.

    python examples/learning_path/step6_conditional_gan.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import step3_cnn
import torch
from data import load_digits
from program import Figure, Options, run
from step3_cnn import Classifier, accuracy, planes
from step5_gan import (
    BATCH,
    NOISE,
    Discriminator,
    Generator,
    discriminator_loss,
    draw_from,
    generator_loss,
    new_optimisers,
    sheet,
)
from torch import Tensor
from torch.nn import functional as F

STEPS, CLASSES, CHECKS = 1500, 10, 10


def beside_noise(noise: Tensor, labels: Tensor) -> Tensor:
    """Return what G receives: (N, NOISE + 10), the noise and the request."""
    return torch.cat([noise, F.one_hot(labels, CLASSES)], dim=1)


def beside_image(images: Tensor, labels: Tensor) -> Tensor:
    """Return what D receives: (N, 1 + 10, S, S), the image and one constant channel for each possible request."""
    request = F.one_hot(labels, CLASSES)[:, :, None, None].expand(-1, -1, *images.shape[2:])
    return torch.cat([images, request], dim=1)


class History(NamedTuple):
    """The losses of each step, and (step, share of drawings that the classifier reads as what was asked for)."""

    discriminator: list[float]
    generator: list[float]
    obeyed: list[tuple[int, float]]


def train(images: Tensor, labels: Tensor, classifier: Classifier, steps: int, seed: int) -> tuple[Generator, History]:
    """Return a generator trained on images (N, 1, S, S) in [-1, 1] with labels (N,), and the course of its training.

    The classifier only watches: no gradient of it reaches the generator.
    """
    torch.manual_seed(seed)
    size = images.shape[-1]
    generator, discriminator = Generator(size, NOISE + CLASSES), Discriminator(size, 1 + CLASSES)
    rule_g, rule_d = new_optimisers(generator, discriminator)
    history = History([], [], [])
    always = torch.randn(300, NOISE), torch.arange(300) % CLASSES
    for step in range(steps + 1):
        if step % max(1, steps // CHECKS) == 0 or step == steps:
            history.obeyed.append((step, obedience(generator, classifier, *always)))
        if step == steps:
            break
        chosen = torch.randint(len(images), (BATCH,))
        real, asked = images[chosen], labels[chosen]  # asked for: the same mixture of digits as the real ones
        drawn = generator(beside_noise(torch.randn(BATCH, NOISE), asked))

        real_logits = discriminator(beside_image(real, asked))
        loss_d = discriminator_loss(real_logits, discriminator(beside_image(drawn.detach(), asked)))
        rule_d.zero_grad()
        loss_d.backward()
        rule_d.step()

        loss_g = generator_loss(discriminator(beside_image(drawn, asked)))
        rule_g.zero_grad()
        loss_g.backward()
        rule_g.step()
        history.discriminator.append(loss_d.item())
        history.generator.append(loss_g.item())
    return generator, history


def obedience(generator: Generator, classifier: Classifier, noise: Tensor, asked: Tensor) -> float:
    """Return the share of drawings that the classifier, which knows images in [0, 1], reads as what was asked for."""
    return accuracy(classifier, (draw_from(generator, beside_noise(noise, asked)) + 1) / 2, asked)


def teach(options: Options) -> Figure:
    """Train the judge, then the GAN, and draw a sheet with a column for each digit."""
    digits = load_digits(options.data, options.download)
    images, labels = planes(digits.images), torch.from_numpy(digits.labels)
    judge, _ = step3_cnn.train(images, labels, min(options.steps, step3_cnn.STEPS), options.seed)
    sure = accuracy(judge, planes(digits.test_images), torch.from_numpy(digits.test_labels))
    generator, history = train(2 * images - 1, labels, judge, options.steps, options.seed)

    noise, asked = torch.randn(2000, NOISE), torch.arange(2000) % CLASSES
    print(f"{digits.name}: {options.steps} steps")
    obeyed = obedience(generator, judge, noise, asked)
    print(f"  of 2000 drawings, {obeyed:.1%} are read as the digit that was asked for")
    print(f"  of real test digits, {sure:.1%} are read right by the same classifier (guessing: 10%)")
    rows = [draw_from(generator, beside_noise(noise[:1].expand(10, -1), torch.arange(10)))]  # one noise, ten requests
    rows += [draw_from(generator, beside_noise(noise[i : i + 10], torch.arange(10))) for i in range(10, 80, 10)]
    return draw(history, rows, sure)


def draw(history: History, rows: Sequence[Tensor], sure: float) -> Figure:
    """Return the figure: the losses, how far G obeys, and drawings with a column for each digit asked for."""
    figure = Figure(dpi=110, figsize=(11, 5), layout="constrained")
    charts, pictures = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 1.3))[0]
    above, below = charts.subplots(2, 1, sharex=True)
    for name, losses in (("D", history.discriminator), ("G", history.generator)):
        window = max(1, len(losses) // 50)
        smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
        above.plot(np.arange(len(smooth)) + window, smooth, label=f"loss of {name}")
    above.legend()
    above.set_ylim(0, None)
    below.plot(*zip(*history.obeyed, strict=True), "o-", ms=4, color="C2", label="drawings read as asked")
    below.axhline(sure, color="gray", ls=":", label="real test digits read right")
    below.axhline(0.1, color="gray", ls="--", lw=0.8, label="guessing")
    below.set(ylim=(0, 1.02), xlabel="step")
    below.legend(loc="center right")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    axes = pictures.subplots()
    axes.imshow(sheet(rows), cmap="gray_r", vmin=-1, vmax=1)
    pitch = rows[0].shape[-1] + 1
    axes.set_xticks([pitch * (i + 0.5) for i in range(10)], [str(i) for i in range(10)])
    axes.set_yticks([])
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.set_title("Asked for (first row: one noise for all ten)")
    return figure


READ_NEXT = """
  step7_posegan.md: the same, where the request is a pose and a photo of a person.
  Mirza and Osindero 2014, "Conditional Generative Adversarial Nets" (arXiv 1411.1784).
  Miyato and Koyama 2018 (arXiv 1802.05637): a better way to tell D. Isola et al. 2017, pix2pix (arXiv 1611.07004):
  where the request is an image. Brock et al. 2019, BigGAN (arXiv 1809.11096): a thousand classes, large.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    return run(teach, STEPS, __doc__ or "", READ_NEXT, argv)


if __name__ == "__main__":
    sys.exit(main())
