"""Fixtures shared with the neighbouring folders, and a benchmark of untrained weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from posegan.config import to_tree
from posegan.evaluation import exhibits
from posegan.evaluation.benchmark import benchmark
from posegan.evaluation.benchmark_result import Benchmark
from posegan.models import create_model
from posegan.weights import WeightsInfo, save_weights
from tests.small_world import blind as blind
from tests.small_world import market as market
from tests.small_world import people as people
from tests.small_world import weights as weights
from tests.small_world import write_market

STRANGE = 'a & "b" <i>'  # a name for a row that HTML and Markdown have to protect


def untrained(path: Path, seed: int = 0, model: str = "posegan", **options: Any) -> Path:
    """Write small untrained weights into a file."""
    small = {"posegan": {"width": 8, "depth": 2, "blocks": 0, "attention": False}, "sdgan": {"width": 4}}[model]
    torch.manual_seed(seed)
    made = create_model(model, **small | options)
    save_weights(path, made.generator.state_dict(), WeightsInfo(model, to_tree(made.config), data="nothing", step=3))
    return path


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Benchmark, Path]:
    """Untrained weights of two models on the six pairs of `market`, without any network: the result and its folder."""
    root = tmp_path_factory.mktemp("benchmark")
    ours = untrained(root / "tiny.safetensors")
    theirs = untrained(root / "stacked.safetensors", model="sdgan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(root / "hub"))  # weight files of this machine would add columns
        patch.setattr(exhibits, "RUNS", 2)
        result = benchmark(
            write_market(root / "market"),
            [f"tiny={ours}", f"{STRANGE}={theirs}"],
            root / "out",
            processes=1,
            device="cpu",
            download=False,
        )
    return result, root / "out"
