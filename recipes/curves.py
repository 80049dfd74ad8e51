"""Draw the learning curves of recipes/README.md from the logs that lie beside the recipes.

    python recipes/curves.py      # reads recipes/**/*.jsonl, writes docs/images/curves.png; needs matplotlib

A log is the `metrics.jsonl` of a run, kept when its scores went into the table.
"""

import itertools
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Read the logs, draw, write the picture."""
    logs = sorted(HERE.rglob("*.jsonl"))
    figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    colours = itertools.cycle(plt.get_cmap("tab20")(range(20)))
    for path, colour in zip(logs, colours, strict=False):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        name = str(path.relative_to(HERE).with_suffix(""))
        scores = [(line["step"], line["validation_ssim"]) for line in lines if "validation_ssim" in line]
        losses = [(line["step"], _reconstruction(line)) for line in lines if "images_per_second" in line]
        axes[0].plot(*zip(*losses, strict=True), label=name, color=colour)
        if scores:
            axes[1].plot(*zip(*scores, strict=True), marker="o", markersize=3, label=name, color=colour)
    axes[0].set(title="reconstruction terms of the generator loss", xlabel="step", yscale="log")
    axes[1].set(title="SSIM on validation pairs (paper's protocol)", xlabel="step")
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    out = HERE.parent / "docs" / "images" / "curves.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=90)


def _reconstruction(line: dict[str, float]) -> float:
    terms = ("g_pixel", "g_coarse", "g_perceptual", "g_nearest", "g_reconstruction")  # g_pixels_0 and so on too
    return sum(value for name, value in line.items() if name.startswith(terms))


if __name__ == "__main__":
    main()
