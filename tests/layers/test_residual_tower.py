import pytest
import torch
from torch.nn import functional as F

from posegan.layers.residual_tower import ResidualTower, blocks_of_side
from posegan.models import count_parameters


@pytest.mark.parametrize(("side", "blocks"), [(48, 5), (64, 7), (24, 4), (8, 4), (9, 1)])
def test_a_crop_is_halved_while_that_gives_whole_pixels(side: int, blocks: int) -> None:
    assert blocks_of_side(side) == blocks


@pytest.mark.parametrize(
    ("size", "blocks", "outputs", "flat", "parameters"),
    [
        ((48, 48), 5, 32, 5_760, 22_308_384),
        ((128, 64), 5, 128, 20_480, 24_745_600),
        ((64, 64), 7, 32, 896, 57_842_080),
    ],
)
def test_published_sizes(size: tuple[int, int], blocks: int, outputs: int, flat: int, parameters: int) -> None:
    with torch.device("meta"):
        tower = ResidualTower(size, blocks, 128, outputs)
    assert tower.embed.in_features == flat
    assert count_parameters(tower) == parameters


def test_two_resolutions_by_hand() -> None:
    torch.manual_seed(0)
    tower = ResidualTower((6, 4), 2, 3, 5)
    x = torch.randn(2, 3, 6, 4)
    first, second = tower.blocks
    full = x + F.relu(first.convs[1](F.relu(first.convs[0](x))))
    down = tower.down[0]
    half = F.relu(F.conv2d(F.pad(full, (0, 1, 0, 1)), down.weight, down.bias, stride=2))
    deep = half + F.relu(second.convs[1](F.relu(second.convs[0](half))))
    expected = deep.flatten(1) @ tower.embed.weight.T + tower.embed.bias
    torch.testing.assert_close(tower(x), expected)
    assert deep.shape == (2, 6, 3, 2)


def test_other_sizes_give_embeddings_of_the_same_length() -> None:
    tower = ResidualTower((16, 8), 3, 2, 5)
    assert tower(torch.randn(2, 2, 20, 12)).shape == (2, 5)


def test_weights_are_glorot_uniform_and_biases_zero() -> None:
    tower = ResidualTower((8, 8), 2, 16, 4)
    kernel = tower.blocks[0].get_parameter("convs.0.weight")
    limit = (6 / (9 * (16 + 16))) ** 0.5
    assert 0.9 * limit < kernel.abs().max() <= limit
    assert not any(p.any() for n, p in tower.named_parameters() if n.endswith("bias"))
