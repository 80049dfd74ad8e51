"""Mappers, critics and the pose auto-encoder: published sizes, layers by hand, and how poses become numbers."""

import pytest
import torch
from torch.nn import functional as F

from posegan.layers.embedding_mlp import EmbeddingCritic, Mapper, PoseAutoEncoder, ResidualMLP
from posegan.models import count_parameters
from posegan.pose import Pose

from ..pairs import FRAME, people


@pytest.mark.parametrize(
    ("size", "hidden", "mapper", "critic"),
    [(224, 512, 2_331_360, 903_681), (128, 256, 592_256, None), (32, 512, 2_134_560, 805_377)],
)
def test_published_sizes(size: int, hidden: int, mapper: int, critic: int | None) -> None:
    with torch.device("meta"):
        assert count_parameters(Mapper(size, hidden, 0.2)) == mapper
        assert critic is None or count_parameters(EmbeddingCritic(size, hidden)) == critic - 1  # no last bias


@pytest.mark.parametrize("activate", [True, False])
def test_the_mlp_by_hand(activate: bool) -> None:
    torch.manual_seed(0)
    network = ResidualMLP(3, 2, 5, activate=activate)
    x = torch.randn(4, 3)
    h = network.widen(x)
    h = torch.where(h > 0, h, 0.2 * h) if activate else h
    for block in network.blocks:
        first, second = block.layers[0], block.layers[2]
        h = h + F.leaky_relu(second(F.leaky_relu(first(h), 0.2)), 0.2)
    torch.testing.assert_close(network(x), network.last(h))
    assert len(network.blocks) == 4


def test_the_critic_by_hand() -> None:
    torch.manual_seed(0)
    critic = EmbeddingCritic(3, 6)
    x = h = torch.randn(4, 3)
    for layer in critic.hidden:
        h = F.leaky_relu(layer(h), 0.2)
    torch.testing.assert_close(critic(x), h @ critic.last.weight.T)
    assert len(critic.hidden) == 4
    wide = EmbeddingCritic(600, 400).hidden[0].get_parameter("weight")
    limit = (6 / 600) ** 0.5  # He-uniform
    assert 0.99 * limit < wide.abs().max() <= limit


def test_a_mapper_draws_from_small_noise() -> None:
    mapper = Mapper(4, 8, 0.2)
    torch.manual_seed(3)
    drawn = mapper.draw(5)
    torch.manual_seed(3)
    torch.testing.assert_close(drawn, mapper(0.2 * torch.randn(5, 4)))
    assert not mapper.trained
    assert "trained" in mapper.state_dict()


def test_a_pose_becomes_54_numbers() -> None:
    pose = Pose(torch.tensor([[[16.0, 32.0]] * 18]), torch.arange(18)[None] != 3)
    numbers = PoseAutoEncoder(4, 8).numbers(pose, FRAME)
    assert numbers.shape == (1, 18, 3)
    assert numbers[0, 0].tolist() == [-0.5, -0.5, 1]
    assert numbers[0, 3].tolist() == [-1, -1, 0]


def test_visibility_is_rounded_and_keeps_the_gradient_of_the_sigmoid() -> None:
    torch.manual_seed(0)
    coder = PoseAutoEncoder(4, 8)
    code = torch.randn(2, 4, requires_grad=True)
    numbers = coder.decode_numbers(code)
    raw = coder.decoder(code).unflatten(1, (18, 3))
    assert torch.equal(numbers[..., :2], raw[..., :2])
    assert torch.equal(numbers[..., 2], (raw[..., 2] > 0).float())
    (found,) = torch.autograd.grad(numbers[..., 2].sum(), code)
    (expected,) = torch.autograd.grad(coder.decoder(code).unflatten(1, (18, 3))[..., 2].sigmoid().sum(), code)
    torch.testing.assert_close(found, expected)
    assert expected.any()


def test_decoded_poses_lie_in_the_frame() -> None:
    torch.manual_seed(0)
    coder = PoseAutoEncoder(4, 8)
    pose = coder.decode(50 * torch.randn(40, 4), FRAME)
    assert pose.xy.min() == 0
    assert pose.xy[..., 0].max() == 63
    assert pose.xy[..., 1].max() == 127
    assert pose.visible.any()
    assert not pose.visible.all()
    numbers = coder.decode_numbers(coder.encode(people(2, FRAME, 0), FRAME))
    again = coder.decode(coder.encode(people(2, FRAME, 0), FRAME), FRAME)
    expected = torch.stack([(numbers[..., 0] + 1) * 32, (numbers[..., 1] + 1) * 64], -1)
    seen = again.visible & ((expected >= 0) & (expected <= torch.tensor([63, 127]))).all(-1)
    torch.testing.assert_close(again.xy[seen], expected[seen])
