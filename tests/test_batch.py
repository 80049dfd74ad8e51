"""`Batch`: slices and moves keep every field together."""

import pytest
import torch

from posegan.batch import Batch
from posegan.pose import Pose

from .pose.people import random_people


@pytest.fixture
def batch() -> Batch:
    g = torch.Generator().manual_seed(0)
    images = [torch.rand(5, 3, 8, 4, generator=g) for _ in range(2)]
    names = [tuple(f"{kind}{i}" for i in range(5)) for kind in ("source", "target")]
    return Batch(*images, random_people(5, 0), random_people(5, 1), *names)


def test_length_and_size(batch):
    assert len(batch) == 5
    assert batch.size == (8, 4)


def test_a_slice_takes_the_same_pairs_of_every_field(batch):
    part = batch[1:3]
    assert len(part) == 2
    assert torch.equal(part.source_image, batch.source_image[1:3])
    assert torch.equal(part.target_image, batch.target_image[1:3])
    assert torch.equal(part.source_pose.xy, batch.source_pose.xy[1:3])
    assert torch.equal(part.target_pose.visible, batch.target_pose.visible[1:3])
    assert (part.source_names, part.target_names) == (("source1", "source2"), ("target1", "target2"))


def test_slices_make_up_the_whole(batch):
    parts = [batch[:2], batch[2:4], batch[4:]]
    assert torch.equal(torch.cat([p.target_image for p in parts]), batch.target_image)
    assert sum((p.source_names for p in parts), ()) == batch.source_names


def test_names_are_optional():
    pose = Pose(torch.zeros(2, 18, 2), torch.ones(2, 18))
    image = torch.zeros(2, 3, 4, 4)
    assert Batch(image, image, pose, pose)[:1].source_names == ()


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("0002_a.jpg", "0007_a.jpg", "0009_a.jpg"), [2, 0, 1]),
        (("0002_a.jpg", "0002_b.jpg", "0007_a.jpg", "0002_c.jpg"), [2, 2, 1, 2]),
        (("ann/1.jpg", "ann/more/2.jpg"), None),
        (("fashionMENShirts_Polosid0000180202_4full.jpg", "fashionMENShirts_Polosid0000180211_1front.jpg"), None),
        (("0000_a.jpg", "0000_b.jpg"), [1, 0]),  # nobody in particular, twice
        ((), [1, 0]),
    ],
)
def test_strangers_are_other_people(names, order):
    count = len(names) or 2
    pose = Pose(torch.zeros(count, 18, 2), torch.ones(count, 18))
    image = torch.zeros(count, 3, 4, 4)
    assert Batch(image, image, pose, pose, names, names).strangers() == order


@pytest.mark.parametrize("channels_last", [False, True])
def test_moving_keeps_values_and_sets_the_memory_order(batch, channels_last):
    moved = batch.to("cpu", channels_last=channels_last)
    order = torch.channels_last if channels_last else torch.contiguous_format
    for name in ("source_image", "target_image"):
        image = getattr(moved, name)
        assert image.is_contiguous(memory_format=order)
        assert torch.equal(image, getattr(batch, name))
    assert moved.target_names == batch.target_names
    assert torch.equal(moved.to("cpu").source_image, batch.source_image)


def test_moving_takes_every_tensor_along(batch):
    moved = batch.to("meta")
    tensors = [moved.source_image, moved.target_image]
    tensors += [t for pose in (moved.source_pose, moved.target_pose) for t in (pose.xy, pose.visible)]
    assert {t.device.type for t in tensors} == {"meta"}


def test_self_reconstruction_has_the_source_on_both_sides(batch):
    own = batch.self_reconstruction()
    assert torch.equal(own.target_image, batch.source_image)
    assert torch.equal(own.target_pose.xy, batch.source_pose.xy)
    assert own.target_names == own.source_names == batch.source_names


def test_self_reconstruction_of_some_pairs_leaves_the_others(batch):
    own = batch.self_reconstruction([False, True, False, False, True])
    for place in range(5):
        given = batch.source_image if place in (1, 4) else batch.target_image
        assert torch.equal(own.target_image[place], given[place])
    assert torch.equal(own.target_pose.xy[2:], torch.cat([batch.target_pose.xy[2:4], batch.source_pose.xy[4:]]))
    assert own.target_names == ("target0", "source1", "target2", "target3", "source4")
