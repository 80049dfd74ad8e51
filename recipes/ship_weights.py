"""Turn weights into those that ship: float16, or beside others that ship: four bits a number, or a share of those.

    python recipes/ship_weights.py runs/market/posegan-24500 OUT
    python recipes/ship_weights.py runs/market/posegan-37935 OUT --base posegan-market-research --step 37935
    python recipes/ship_weights.py posegan-market-research-sharp OUT --share 0.6667

--base: store the difference to these bundled weights (posegan.weights_difference). --share: NEW is stored as such a
difference; say how much of it these weights take, and store nothing else. --step: steps made in all, where the run
itself began from weights. Weights between two others: `posegan blend`, before.
"""

import argparse
import dataclasses
from pathlib import Path

from posegan.errors import UserError
from posegan.weights import find_weights, read_weights, save_difference, save_share, save_weights


def main() -> None:
    """Write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("new")
    parser.add_argument("out", type=Path)
    parser.add_argument("--base")
    parser.add_argument("--share", type=float)
    parser.add_argument("--step", type=int)
    chosen = parser.parse_args()
    if chosen.share is not None:
        save_share(chosen.out, chosen.new, chosen.share)
    else:
        info, tensors = read_weights(find_weights(chosen.new))
        info = dataclasses.replace(info, step=info.step if chosen.step is None else chosen.step)
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
