"""Write the ONNX graphs of the bundled weights, which `posegan serve` runs on onnxruntime.

    python recipes/make_graphs.py

Do it again after a change of the flagship's generator, not after new weights of the same architecture. Nothing is
written if pictures differ from torch's by more than an export may.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from posegan.inference.export import TOLERANCE, largest_difference
from posegan.inference.export_graphs import write_graphs
from posegan.inference.graphs import graphs_beside, load_graphs
from posegan.weights import bundled_names, find_weights, load_model


def main() -> None:
    """Write a graph file beside each weight file."""
    for name in bundled_names():
        path = find_weights(name)
        model, info = load_model(path)
        if info.base:  # stored as a difference: it runs on the graphs of what it differs from
            continue
        height, width = info.config["size"]
        size = (height, width)
        with TemporaryDirectory() as folder:
            made = Path(folder) / "graphs.zip"
            write_graphs(model.generator, size, made)
            difference = largest_difference(model.generator, load_graphs(made, model.generator, size), size)
            if not difference <= TOLERANCE:
                raise SystemExit(f"{name}: pictures differ from torch's by {difference:.2g}")
            out = graphs_beside(path)
            out.write_bytes(made.read_bytes())
        print(f"wrote {out} ({out.stat().st_size / 1000:.0f} kB), {difference:.1g} from torch")


if __name__ == "__main__":
    main()
