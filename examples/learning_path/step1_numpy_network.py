"""Step 1: a neural network in NumPy that reads digits, with nothing left to a library.

A network is a function with many adjustable numbers. Training turns them, a little at a time, in the direction in
which the error on some examples falls. So three things are needed: the function (`forward`), the direction
(`loss_and_gradients`, the chain rule written out), and a rule for the step (`SGD`, `Momentum`, `Adam`). Everything in
the later steps, and in posegan, is these three with other functions.

    python examples/learning_path/step1_numpy_network.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from data import Digits, Labels, load_digits
from numpy.typing import NDArray
from program import Figure, Options, run

Array = NDArray[np.float64]  # 64 bits: rounding then hides nothing in the gradient check
STEPS, BATCH, HIDDEN = 1000, 32, 64
LEARNING_RATES = {"SGD": 0.1, "momentum": 0.02, "Adam": 0.003}


# The function: layers x -> x W + b, with max(0, .) between them.


def new_network(sizes: Sequence[int], rng: np.random.Generator) -> list[Array]:
    """Return [W1, b1, W2, b2, ...] of layers that lead from sizes[0] numbers over the hidden ones to sizes[-1].

    Weights are drawn with variance 2 / inputs (He et al. 2015): a sum of n products has n times the variance of one,
    and the ReLU halves it again, so this keeps signals of the same size from layer to layer. All zeros would not do:
    the hidden units would all receive the same gradient and stay copies of each other.
    """
    parameters: list[Array] = []
    for inputs, outputs in pairwise(sizes):
        parameters += [rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)), np.zeros(outputs)]
    return parameters


def forward(parameters: Sequence[Array], x: Array) -> list[Array]:
    """Return the input of every layer and, last, the logits (N, 10): one score a class, any real number.

    Without the ReLU two layers would be no more than one: (x W1) W2 = x (W1 W2).
    """
    signals = [x]
    for i in range(0, len(parameters), 2):
        z = signals[-1] @ parameters[i] + parameters[i + 1]
        last = i == len(parameters) - 2
        signals.append(z if last else np.maximum(z, 0))
    return signals


# The direction: the gradient of the loss, from the output back to the input.


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean of -log p(label) with p = softmax(logits), and its derivative by the logits.

    d loss / d logits = (p - y) / N with y the one-hot label: what was said minus what should have been said.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)  # the same p, but exp cannot overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), gradient / len(labels)


def loss_and_gradients(parameters: Sequence[Array], x: Array, labels: Labels) -> tuple[float, list[Array]]:
    """Return the loss and its derivative by every parameter: backpropagation.

    For z = a W + b and a known dL/dz, the chain rule gives the three lines of the loop:
        dL/dW = a^T dL/dz      (each weight: its input times the error it fed, summed over the examples)
        dL/db = sum of dL/dz
        dL/da = dL/dz W^T      (the error travels back through the same weights)
    and the ReLU passes the error on only where it passed the signal.
    """
    signals = forward(parameters, x)
    loss, error = cross_entropy(signals[-1], labels)
    gradients: list[Array] = []
    for i in reversed(range(0, len(parameters), 2)):
        a = signals[i // 2]
        gradients = [a.T @ error, error.sum(axis=0), *gradients]
        error = (error @ parameters[i].T) * (a > 0)
    return loss, gradients


def numerical_gradients(parameters: Sequence[Array], x: Array, labels: Labels, h: float = 1e-5) -> list[Array]:
    """Return (L(w + h) - L(w - h)) / 2h for every parameter w: too slow to train with, too simple to be wrong."""
    gradients = [np.zeros_like(p) for p in parameters]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for place in np.ndindex(*parameter.shape):
            kept = parameter[place]
            losses = []
            for value in (kept + h, kept - h):
                parameter[place] = value
                losses.append(cross_entropy(forward(parameters, x)[-1], labels)[0])
            parameter[place] = kept
            gradient[place] = (losses[0] - losses[1]) / (2 * h)
    return gradients


def gradient_error(parameters: Sequence[Array], x: Array, labels: Labels) -> float:
    """Return |by hand - numerical| / |numerical| over all parameters at once; a wrong sign or factor gives about 1."""
    by_hand, numerical = loss_and_gradients(parameters, x, labels)[1], numerical_gradients(parameters, x, labels)
    a, b = (np.concatenate([g.ravel() for g in gradients]) for gradients in (by_hand, numerical))
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


# The step: three rules for what to do with a gradient.


class Optimiser(Protocol):
    """Changes parameters in place."""

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> None: ...


class SGD:
    """w -= rate * g. Each batch shows the slope of other examples, so the path is noisy, but right on average."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> None:
        for w, g in zip(parameters, gradients, strict=True):
            w -= self.rate * g


class Momentum:
    """v = 0.9 v + g, w -= rate * v: a heavy ball. Noise cancels in v, a steady slope adds up to ten times g."""

    def __init__(self, rate: float, keep: float = 0.9) -> None:
        self.rate, self.keep = rate, keep
        self.v: list[Array] = []

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> None:
        self.v = self.v or [np.zeros_like(w) for w in parameters]
        for w, g, v in zip(parameters, gradients, self.v, strict=True):
            v *= self.keep
            v += g
            w -= self.rate * v


class Adam:
    """w -= rate * m / sqrt(s), running means m of g and s of g^2 (Kingma and Ba 2015).

    The step no longer depends on the size of the gradient, only on how steady it is: about `rate` for each parameter.
    Both means start at 0 and are too small at first; dividing by 1 - beta^t corrects that.
    """

    def __init__(self, rate: float, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self.rate, self.betas, self.t = rate, betas, 0
        self.m: list[Array] = []
        self.s: list[Array] = []

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> None:
        self.m = self.m or [np.zeros_like(w) for w in parameters]
        self.s = self.s or [np.zeros_like(w) for w in parameters]
        self.t += 1
        b1, b2 = self.betas
        for w, g, m, s in zip(parameters, gradients, self.m, self.s, strict=True):
            m += (1 - b1) * (g - m)
            s += (1 - b2) * (g * g - s)
            w -= self.rate * (m / (1 - b1**self.t)) / (np.sqrt(s / (1 - b2**self.t)) + 1e-8)


OPTIMISERS: dict[str, type[SGD] | type[Momentum] | type[Adam]] = {"SGD": SGD, "momentum": Momentum, "Adam": Adam}


# Training: the three together.


def batches(count: int, steps: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield `steps` batches of indices: every example once in random order, then again in another."""
    order = rng.permutation(count)
    for _ in range(steps):
        if len(order) < BATCH:
            order = rng.permutation(count)
        yield order[:BATCH]
        order = order[BATCH:]


def train(
    parameters: list[Array], x: Array, labels: Labels, optimiser: Optimiser, steps: int, rng: np.random.Generator
) -> list[float]:
    """Train the parameters in place and return the loss of each batch before its step."""
    losses = []
    for batch in batches(len(x), steps, rng):
        loss, gradients = loss_and_gradients(parameters, x[batch], labels[batch])
        optimiser.step(parameters, gradients)
        losses.append(loss)
    return losses


def accuracy(parameters: Sequence[Array], x: Array, labels: Labels) -> float:
    """Return the share of examples whose largest logit is that of their label."""
    return float((forward(parameters, x)[-1].argmax(axis=1) == labels).mean())


def rows(images: NDArray[np.float32]) -> Array:
    """Return images (N, H, W) as rows (N, H * W): this network does not know which pixels are neighbours (step 3)."""
    return images.reshape(len(images), -1).astype(np.float64)


class Run(NamedTuple):
    """A trained network, the first layer's weights it began with, and the loss of each step."""

    first: Array
    network: list[Array]
    losses: list[float]


def teach(options: Options) -> Figure:
    """Check the gradients, train two networks with three optimisers each, and draw what they learned."""
    digits = load_digits(options.data, options.download)
    x, test = rows(digits.images), rows(digits.test_images)
    pixels = x.shape[1]
    print(f"{digits.name}: {len(x)} images of {pixels} pixels to train with, {len(test)} to test with.\n")

    small = new_network([pixels, 8, 10], np.random.default_rng(options.seed))
    error = gradient_error(small, x[:16], digits.labels[:16])
    print(f"Gradient by hand against finite differences: relative difference {error:.1e} (below 1e-6 is right).\n")

    print("network     optimiser   rate    training accuracy   test accuracy")
    runs: dict[tuple[str, str], Run] = {}
    for layers, sizes in (("one layer", [pixels, 10]), ("two layers", [pixels, HIDDEN, 10])):
        for name, kind in OPTIMISERS.items():
            network = new_network(sizes, np.random.default_rng(options.seed))
            first = network[0].copy()
            optimiser = kind(LEARNING_RATES[name])
            rng = np.random.default_rng(options.seed + 1)  # the same batches for everyone
            losses = train(network, x, digits.labels, optimiser, options.steps, rng)
            runs[layers, name] = Run(first, network, losses)
            reached = accuracy(network, x, digits.labels), accuracy(network, test, digits.test_labels)
            print(f"{layers:<12}{name:<12}{optimiser.rate:<8g}{reached[0]:>17.1%}{reached[1]:>16.1%}")
    return draw(digits, runs)


def draw(digits: Digits, runs: dict[tuple[str, str], Run]) -> Figure:
    """Return the figure: the losses above, below them what the weights look for and what was misread."""
    figure = Figure(dpi=110, figsize=(11, 8), layout="constrained")
    bands = figure.subfigures(4, 1, squeeze=False, height_ratios=(3, 1, 1, 1))[:, 0]
    above, strips = bands[0], bands[1:]
    for axes, layers in zip(above.subplots(1, 2, sharey=True), ("one layer", "two layers"), strict=True):
        for name in OPTIMISERS:
            loss = np.array(runs[layers, name].losses)
            window = max(1, len(loss) // 20)  # a running mean: the loss of one batch is noisy
            smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
            axes.plot(np.arange(len(smooth)) + window, smooth, label=f"{name}, rate {LEARNING_RATES[name]:g}")
        axes.set(title=layers, xlabel="step", ylabel="training loss" if layers == "one layer" else "", yscale="log")
        axes.grid(alpha=0.3)
        axes.legend()

    size = digits.size
    adam = [runs[layers, "Adam"] for layers in ("one layer", "two layers")]
    said = forward(adam[1].network, rows(digits.test_images))[-1].argmax(axis=1)
    wrong = np.flatnonzero(said != digits.test_labels)
    titles = (
        "One layer: what training added to the weights of 0 to 9 (red: ink here speaks for the digit, blue: against)",
        "Two layers: the same for ten of the hidden units, which the digits share",
        f"Test digits that the two layers misread: {len(wrong)} of {len(said)}",
    )
    for strip, title in zip(strips, titles, strict=True):
        strip.suptitle(title, fontsize=10, x=0.01, ha="left")
    cells = [strip.subplots(1, 10) for strip in strips]
    for axes in np.concatenate(cells):
        axes.set_axis_off()
    for row, learned in zip(cells, adam, strict=False):
        pictures = (learned.network[0] - learned.first).T.reshape(-1, size, size)
        for axes, picture in zip(row, pictures, strict=False):
            limit = np.abs(picture).max()
            axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for axes, i in zip(cells[2], wrong[:10], strict=False):
        axes.imshow(digits.test_images[i], cmap="gray_r")
        axes.set_title(f"{digits.test_labels[i]} read as {said[i]}", fontsize=8)
    return figure


READ_NEXT = """
  step2_pytorch_network.py: the same network, where PyTorch finds the gradients.
  Nielsen, "Neural Networks and Deep Learning", chapter 2 (neuralnetworksanddeeplearning.com).
  Goodfellow, Bengio and Courville, "Deep Learning", chapters 6 and 8 (deeplearningbook.org).
  Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization" (arXiv 1412.6980).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    return run(teach, STEPS, __doc__ or "", READ_NEXT, argv)


if __name__ == "__main__":
    sys.exit(main())
