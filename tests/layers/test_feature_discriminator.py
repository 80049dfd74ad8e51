"""The discriminator on frozen features: what moves, what is judged beside what."""

import pytest
import torch
from torch import nn

from posegan.layers.feature_discriminator import FeatureDiscriminator, move_features, shift_right_down

TAPS = ("relu2_2", "relu4_2")
SHAPES = {"relu2_2": (128, 16, 8), "relu4_2": (512, 4, 2)}


def maps(count: int, seed: int) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {tap: torch.randn(count, *shape, generator=g) for tap, shape in SHAPES.items()}


@pytest.fixture
def judge() -> FeatureDiscriminator:
    torch.manual_seed(0)
    return FeatureDiscriminator(TAPS, pose=5, width=4).eval()


def test_features_move_by_the_photos_flow_in_their_own_pixels():
    flow = torch.zeros(2, 2, 16, 8)
    flow[:, 0] = 4  # pixels of a map of stride 2: 8 of the photo, one of relu4's maps, whose stride is 8
    features = maps(2, 0)
    moved = move_features(features, flow, 2)
    torch.testing.assert_close(moved["relu4_2"][..., :-1], features["relu4_2"][..., 1:])
    torch.testing.assert_close(moved["relu2_2"][..., :-4], features["relu2_2"][..., 4:])
    torch.testing.assert_close(moved["relu2_2"][..., -4:], features["relu2_2"][..., -1:].expand(-1, -1, -1, 4))


def test_a_shifted_photo_repeats_its_edge():
    photo = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert shift_right_down(photo, (0, 0)) is photo
    assert shift_right_down(photo, (1, 1))[0, 0].tolist() == [[0, 0, 1], [0, 0, 1]]
    assert shift_right_down(photo, (0, 1))[0, 0].tolist() == [[0, 1, 2], [0, 1, 2]]


def test_logits_of_every_scale_have_half_its_size(judge):
    logits = judge(maps(3, 0), maps(3, 1), torch.randn(3, 5, 16, 8))
    assert [tuple(x.shape) for x in logits] == [(3, 1, 8, 4), (3, 1, 2, 1)]


def test_several_photos_of_the_same_pairs_are_judged_as_each_alone(judge):
    first, second, source, pose = maps(2, 0), maps(2, 1), maps(2, 2), torch.randn(2, 5, 16, 8)
    together = judge({tap: torch.cat([first[tap], second[tap]]) for tap in TAPS}, source, pose)
    for scale, one, two in zip(together, judge(first, source, pose), judge(second, source, pose), strict=True):
        torch.testing.assert_close(scale, torch.cat([one, two]))


@pytest.mark.parametrize("changed", ["photo", "source", "pose"])
def test_photo_source_and_pose_all_count_at_every_scale(judge, changed):
    given = {"photo": maps(1, 0), "source": maps(1, 1), "pose": torch.randn(1, 5, 16, 8)}
    other = given | {changed: torch.randn(1, 5, 16, 8) if changed == "pose" else maps(1, 7)}
    for a, b in zip(judge(*given.values()), judge(*other.values()), strict=True):
        assert not torch.allclose(a, b, atol=1e-4)


def test_spectral_norm_can_be_left_out():
    plain = FeatureDiscriminator(TAPS, 5, 4, spectral=False)
    assert not any("parametrizations" in name for name, _ in plain.named_parameters())
    assert any("parametrizations" in name for name, _ in FeatureDiscriminator(TAPS, 5, 4).named_parameters())
    assert isinstance(plain.layers["relu2_2"][-1], nn.Conv2d)
