"""The statistics of batch norm that weights are saved with."""

from pathlib import Path

import pytest
import torch
from torch import nn

from posegan.models.batch_norm import PAIRS, measured_anew
from posegan.training import load_recipe, train
from posegan.training.settings import open_data
from posegan.weights import load_model

from .tiny import write_recipe


def test_statistics_are_the_mean_over_the_calls_inside_whatever_was_before() -> None:
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(2, momentum=0.3), nn.Dropout(0.5)).eval()
    norm = network[0]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.fill_(100)
    batches = [torch.randn(4, 2, 3, 3, generator=generator) * 3 + 5 for _ in range(3)]
    with measured_anew(network):
        assert not network[1].training  # the network as it generates
        for batch in batches:
            network(batch)
    wanted = torch.stack([torch.stack([b.mean((0, 2, 3)), b.transpose(0, 1).flatten(1).var(1)]) for b in batches]).mean(
        0
    )
    torch.testing.assert_close(torch.stack([norm.running_mean, norm.running_var]), wanted)
    assert (norm.momentum, norm.training) == (0.3, False)


def test_a_mistake_inside_leaves_the_network_as_it_generates() -> None:
    norm = nn.BatchNorm2d(2).eval()
    with pytest.raises(ValueError, match="expected 4D"), measured_anew(norm):
        norm(torch.zeros(2))
    assert (norm.momentum, norm.training) == (0.1, False)


def test_weights_are_saved_with_the_statistics_of_the_average(tiny_market: Path, tmp_path: Path) -> None:
    """Those of the last steps belong to two photos and to other weights."""
    recipe = write_recipe(tmp_path / "r.yaml", tiny_market, tmp_path / "run", steps=3)
    text = recipe.read_text()
    recipe.write_text("model:\n  name: patn\n  width: 4\n  blocks: 1\n  features: none\n" + text[text.index("data:") :])
    model, _ = load_model(train(recipe) / "weights.safetensors")
    conv, norm = model.generator.get_submodule("encoder.photo.0"), model.generator.get_submodule("encoder.photo.1")
    assert isinstance(norm, nn.BatchNorm2d)
    settings = load_recipe(recipe)
    data = open_data(settings.data, settings.model_config.size)
    assert len(data) <= PAIRS
    with torch.no_grad():
        wanted = conv(data.batch(torch.arange(len(data))).source_image).mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, wanted, rtol=0, atol=1e-3)  # each of the 72 pairs counts the same
