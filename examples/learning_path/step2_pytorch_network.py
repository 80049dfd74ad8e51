"""Step 2: the same network in PyTorch, which turns out to be the same numbers.

Step 1 wrote three things by hand. PyTorch has all three: `nn.Linear` and `nn.ReLU` for the function, autograd for the
direction, `torch.optim` for the step. To see that nothing else is hidden in it, both networks start from the same
weights, see the same batches, and are compared after every step.

They agree to the last digits, but not to the very last: (a + b) + c and a + (b + c) are rounded differently, and two
libraries add in different orders. Training carries such differences on and lets them grow. With the 32-bit numbers
that networks are usually trained in they become visible, which is why a run can only be repeated exactly on the same
machine with the same library.

    python examples/learning_path/step2_pytorch_network.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from data import Digits, load_digits
from program import Figure, Options, run
from step1_numpy_network import (
    HIDDEN,
    LEARNING_RATES,
    OPTIMISERS,
    Array,
    batches,
    loss_and_gradients,
    new_network,
    rows,
)
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = 600
WIDTHS = {"64 bits": torch.float64, "32 bits": torch.float32}


def pytorch_network(parameters: Sequence[Array], dtype: torch.dtype) -> nn.Sequential:
    """Return the network of step 1 as PyTorch layers that hold copies of the same numbers.

    `nn.Linear` keeps its weight as (outputs, inputs) and computes x W^T + b, hence the transpose.
    """
    layers: list[nn.Module] = []
    for weight, bias in zip(parameters[0::2], parameters[1::2], strict=True):
        inputs, outputs = weight.shape
        layer = nn.Linear(inputs, outputs, dtype=dtype)
        with torch.no_grad():  # setting a value is no part of the function: autograd need not record it
            layer.weight.copy_(torch.from_numpy(weight.T))
            layer.bias.copy_(torch.from_numpy(bias))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # no ReLU after the logits


def pytorch_optimiser(name: str, network: nn.Module) -> torch.optim.Optimizer:
    """Return PyTorch's version of an optimiser of step 1."""
    rate = LEARNING_RATES[name]
    if name == "Adam":
        return torch.optim.Adam(network.parameters(), lr=rate, betas=(0.9, 0.999), eps=1e-8)
    return torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9 if name == "momentum" else 0.0)


def pytorch_step(network: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> float:
    """Make one step and return the loss before it. These four lines are the whole of training, here and later.

    `backward` walks the operations that `forward` recorded, last to first, and adds dL/dw to each parameter's `.grad`;
    it adds, so the sums of the last step have to be cleared before.
    """
    loss = F.cross_entropy(network(x), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


class Comparison(NamedTuple):
    """The losses of both, and the largest difference between two corresponding parameters, after each step."""

    numpy: list[float]
    pytorch: list[float]
    difference: list[float]


def compare(digits: Digits, name: str, dtype: torch.dtype, steps: int, seed: int) -> Comparison:
    """Train both networks side by side with one optimiser and compare them after every step."""
    x = rows(digits.images)
    ours = new_network([x.shape[1], HIDDEN, 10], np.random.default_rng(seed))
    theirs = pytorch_network(ours, dtype)
    our_optimiser, their_optimiser = OPTIMISERS[name](LEARNING_RATES[name]), pytorch_optimiser(name, theirs)
    images, labels = torch.from_numpy(x).to(dtype), torch.from_numpy(digits.labels)
    result = Comparison([], [], [])
    for batch in batches(len(x), steps, np.random.default_rng(seed + 1)):
        result.pytorch.append(pytorch_step(theirs, their_optimiser, images[batch], labels[batch]))
        loss, gradients = loss_and_gradients(ours, x[batch], digits.labels[batch])
        our_optimiser.step(ours, gradients)
        result.numpy.append(loss)
        # Weights are 2-D and transposed, biases 1-D; .T leaves the latter as they are.
        pairs = zip(ours, theirs.parameters(), strict=True)
        result.difference.append(max(float(np.abs(a - b.detach().numpy().T).max()) for a, b in pairs))
    return result


def teach(options: Options) -> Figure:
    """Compare the networks under each optimiser at both precisions."""
    digits = load_digits(options.data, options.download)
    print("Largest difference between a NumPy and a PyTorch parameter after each step, over all steps:\n")
    print("optimiser   PyTorch in   difference   last loss: NumPy      PyTorch")
    found: dict[tuple[str, str], Comparison] = {}
    for name in OPTIMISERS:
        for width, dtype in WIDTHS.items():
            result = found[name, width] = compare(digits, name, dtype, options.steps, options.seed)
            losses = f"{result.numpy[-1]:>16.10f}{result.pytorch[-1]:>13.10f}"
            print(f"{name:<12}{width:<13}{max(result.difference):<13.1e}{losses}")
    return draw(found)


def draw(found: dict[tuple[str, str], Comparison]) -> Figure:
    """Return the figure: the two losses on top of each other, and how far the parameters are apart."""
    figure = Figure(dpi=110, figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, name in zip(("C0", "C1", "C2"), OPTIMISERS, strict=True):
        exact = found[name, "64 bits"]
        left.plot(exact.numpy[:100], color=colour, lw=5, alpha=0.3, label=f"{name}, NumPy")
        left.plot(exact.pytorch[:100], color=colour, lw=1, label=f"{name}, PyTorch")
        for width, line in (("64 bits", "-"), ("32 bits", "--")):
            # 1e-17 stands for "equal", which a logarithm cannot show
            apart = np.maximum(found[name, width].difference, 1e-17)
            right.plot(apart, line, color=colour, lw=1.2, label=f"{name}, {width}")
    left.set(title="The loss of the first 100 batches", xlabel="step", ylabel="loss")
    right.set(title="NumPy in 64 bits against PyTorch", xlabel="step", yscale="log")
    right.set_ylabel("largest difference of a parameter")
    last = len(exact.numpy)
    for bits, eps in ((64, 2.2e-16), (32, 1.2e-7)):
        right.axhline(eps, color="gray", lw=0.8, ls=":")
        right.text(last, eps, f"rounding of 1.0 in {bits} bits", color="gray", fontsize=8, va="top", ha="right")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper right" if axes is left else "center right")
    return figure


READ_NEXT = """
  step3_cnn.py: a network that knows which pixels are neighbours.
  Paszke et al. 2017, "Automatic differentiation in PyTorch": how backward finds the chain rule.
  Baydin et al. 2018, "Automatic Differentiation in Machine Learning: a Survey" (arXiv 1502.05767).
  Goldberg 1991, "What Every Computer Scientist Should Know About Floating-Point Arithmetic".
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step from the command line."""
    return run(teach, STEPS, __doc__ or "", READ_NEXT, argv)


if __name__ == "__main__":
    sys.exit(main())
