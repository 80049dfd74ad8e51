"""The discriminator on frozen features: what moves, what is judged beside what."""

import pytest
import torch

from posegan.layers.feature_discriminator import FeatureDiscriminator, FeatureView, move_features, shift_right_down

TAPS = ("relu1_2", "relu3_2")
SHAPES = {"relu1_2": (64, 32, 16), "relu3_2": (256, 8, 4)}


def maps(count: int, seed: int) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {tap: torch.randn(count, *shape, generator=g) for tap, shape in SHAPES.items()}


def view(count: int, source: int = 1, pose: int = 2) -> FeatureView:
    g = torch.Generator().manual_seed(pose)
    return FeatureView({}, {}, maps(count, source), torch.randn(count, 5, 16, 8, generator=g))


@pytest.fixture
def judge() -> FeatureDiscriminator:
    torch.manual_seed(0)
    return FeatureDiscriminator(TAPS, pose=5, width=4).eval()


def test_features_move_by_the_photos_flow_in_their_own_pixels():
    flow = torch.zeros(2, 2, 16, 8)
    flow[:, 0] = 2  # pixels of a map of stride 2: 4 of the photo, one of relu3's maps, whose stride is 4
    features = maps(2, 0)
    moved = move_features(features, flow, 2)
    torch.testing.assert_close(moved["relu3_2"][..., :-1], features["relu3_2"][..., 1:])
    torch.testing.assert_close(moved["relu1_2"][..., :-4], features["relu1_2"][..., 4:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(moved["relu1_2"][..., -4:], features["relu1_2"][..., -1:].expand(-1, -1, -1, 4))


def test_maps_of_odd_photos_move_too():
    features = {"relu1_2": torch.randn(1, 64, 33, 17), "relu3_2": torch.randn(1, 256, 8, 4)}
    for tap, moved in move_features(features, torch.zeros(1, 2, 16, 8), 2).items():
        torch.testing.assert_close(moved, features[tap])


def test_a_shifted_photo_repeats_its_edge():
    photo = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert shift_right_down(photo, 0, 0) is photo
    assert shift_right_down(photo, 1, 1)[0, 0].tolist() == [[0, 0, 1], [0, 0, 1]]
    assert shift_right_down(photo, 0, 1)[0, 0].tolist() == [[0, 1, 2], [0, 1, 2]]


def test_logits_of_every_scale_have_half_its_size(judge):
    (logits,) = judge(view(3), [maps(3, 0)])
    assert [tuple(x.shape) for x in logits] == [(3, 1, 16, 8), (3, 1, 4, 2)]


def test_several_photos_of_the_same_pairs_are_judged_as_each_alone(judge):
    together = judge(view(2), [maps(2, 0), maps(2, 5)])
    for logits, photo in zip(together, (maps(2, 0), maps(2, 5)), strict=True):
        for a, b in zip(logits, judge(view(2), [photo])[0], strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("other", [(view(1), 7), (view(1, source=7), 0), (view(1, pose=7), 0)])
def test_photo_source_and_pose_all_count_at_every_scale(judge, other):
    beside, photo = other
    for a, b in zip(judge(view(1), [maps(1, 0)])[0], judge(beside, [maps(1, photo)])[0], strict=True):
        assert not torch.allclose(a, b, atol=1e-4)


def test_spectral_norm_can_be_left_out():
    plain = FeatureDiscriminator(TAPS, 5, 4, spectral=False)
    assert not any("parametrizations" in name for name, _ in plain.named_parameters())
    assert any("parametrizations" in name for name, _ in FeatureDiscriminator(TAPS, 5, 4).named_parameters())
