"""Turn the weights of a run into those that ship: float16, or four bits a number beside others that ship already.

    python recipes/ship_weights.py NEW OUT --between OLD --share 0.4
    python recipes/ship_weights.py NEW OUT --base posegan-market-research --step 37935

--between, --share: weights of the same architecture, and which share of the way from them to NEW is taken (default 1:
NEW itself). --base: store the difference to these bundled weights (posegan.weights_difference). --step: steps made in
all, where the run itself began from weights.
"""

import argparse
import dataclasses
from pathlib import Path

from posegan.errors import UserError
from posegan.weights import find_weights, read_weights, save_difference, save_weights


def main() -> None:
    """Write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("new")
    parser.add_argument("out", type=Path)
    parser.add_argument("--between")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--base")
    parser.add_argument("--step", type=int)
    chosen = parser.parse_args()
    info, tensors = read_weights(find_weights(chosen.new))
    info = dataclasses.replace(info, step=info.step if chosen.step is None else chosen.step)
    if chosen.between:
        _, old = read_weights(find_weights(chosen.between))
        tensors = {name: old[name] + chosen.share * (value - old[name]) for name, value in tensors.items()}
    if chosen.base:
        save_difference(chosen.out, tensors, info, chosen.base)
    else:
        save_weights(chosen.out, tensors, info, half=True)
    print(f"wrote {chosen.out} ({chosen.out.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from error
