import pytest
import torch

from posegan.data import SyntheticPeople, SyntheticPoseDataset
from posegan.errors import UserError


def test_synthetic_people_become_pairs_split_by_person():
    people = SyntheticPeople(10, (32, 16), poses_per_identity=2)
    train, validation = SyntheticPoseDataset(people), SyntheticPoseDataset(people, "validation", memory=0)
    whose = [{people.identity_of(name) for pair in d.pair_names() for name in pair} for d in (train, validation)]
    assert len(whose[1]) == 1 and not whose[0] & whose[1]
    assert torch.equal(train.poses.xy, validation.poses.xy)  # rendered now or on demand
    kept, rendered = train.photos.read(torch.tensor([3, 0])), validation.photos.read(torch.tensor([3, 0]))
    assert torch.equal(kept, rendered)
    assert train.batch(torch.arange(2)).size == (32, 16)


def test_synthetic_people_have_no_test_split():
    with pytest.raises(UserError, match="no test split"):
        SyntheticPoseDataset(SyntheticPeople(1, (32, 16)), "test")
