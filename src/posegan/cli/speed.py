"""`posegan speed`: parse, call `measure`, print each timing and write the JSON as it is taken."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from posegan.cli.parser import command_parser, positive
from posegan.places import require_file_place


def size(text: str) -> tuple[int, int]:
    """Return (height, width) of a text such as 128x64; an argparse type."""
    height, cross, width = text.partition("x")
    if not cross or not height.isdecimal() or not width.isdecimal() or min(int(height), int(width)) < 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH of at least 64 pixels each, such as 128x64")
    return int(height), int(width)


def run(argv: Sequence[str]) -> None:
    """Time training steps and generation of models."""
    parser = command_parser("speed", "Time training steps and generation, beside what the device could do at best.")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="models to time (default: all)")
    parser.add_argument("--sizes", nargs="+", type=size, default=[(128, 64)], metavar="HxW", help="default: 128x64")
    parser.add_argument("--batches", nargs="+", type=positive, default=[4], metavar="N", help="default: 4")
    parser.add_argument("--width", type=positive, help="channels of the first layer (default: the published ones)")
    parser.add_argument("--features", help="feature network of the losses, such as vgg19_distilled (default: theirs)")
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="32-true")
    parser.add_argument("--accelerator", choices=("auto", "cpu", "gpu", "mps"), default="auto")
    parser.add_argument("--threads", type=positive, help="CPU threads of torch (default: torch's own choice)")
    parser.add_argument("--runs", type=positive, default=5, help="repetitions; medians count (default: %(default)s)")
    parser.add_argument("--out", help="JSON file to write")
    chosen = parser.parse_args(argv)
    if chosen.out:
        require_file_place(chosen.out)

    from pathlib import Path

    import torch

    from posegan.files import write_text
    from posegan.inference.output import out_file
    from posegan.models import model_names
    from posegan.training.speed import measure

    out = out_file(chosen.out) if chosen.out else None
    if chosen.threads:
        torch.set_num_threads(chosen.threads)

    options = {"width": chosen.width, "features": chosen.features}
    command = " ".join(["posegan speed", *argv])
    for timing, result in measure(
        chosen.models or model_names(),
        chosen.sizes,
        chosen.batches,
        options={key: value for key, value in options.items() if value is not None},
        precision=chosen.precision,
        accelerator=chosen.accelerator,
        runs=chosen.runs,
    ):
        height, width = timing.size
        print(
            f"{timing.model:13} {timing.what:26} {height}x{width} batch {timing.batch:<3} "
            f"{timing.seconds * 1000:9.1f} ms {timing.images_per_second:9.1f} images/s {timing.gflop:8.1f} GFLOP "
            f"{timing.share_of_floor:5.0%} of the device's rate",
            flush=True,
        )
        if out is not None:  # each time: all models at the published sizes take long
            write_text(Path(out), json.dumps(result | {"command": command}, indent=1) + "\n")
    print(f"{result['machine']}: {result['convolution_gflops']:.0f} GFLOP/s in a convolution, {chosen.precision}")
