import pytest
import torch

from posegan.data import SyntheticPeople, SyntheticPoseDataset, mixed

SIZE = (32, 16)


def people(seed: int, identities: int = 3, size: tuple[int, int] = SIZE) -> SyntheticPoseDataset:
    return SyntheticPoseDataset(SyntheticPeople(identities, size, 2, seed=seed), "train+validation")


@pytest.mark.parametrize(("share", "of_the_second"), [(0.0, 0), (0.25, 2), (0.5, 6), (0.7, 14)])
def test_the_share_is_that_of_pairs(share: float, of_the_second: int) -> None:
    first, second = people(0), people(1)  # 6 pairs each
    both = mixed(first, second, share)
    later = (both.pairs >= len(first.names)).all(1)
    assert len(both) == 6 + of_the_second and int(later.sum()) == of_the_second
    assert torch.equal(both.pairs[~later], first.pairs)
    assert not ((both.pairs >= len(first.names)).any(1) ^ later).any()  # no pair of two sets


def test_few_are_drawn_from_all_of_the_list() -> None:
    both = mixed(people(0), people(1), 0.25)
    whose = {SyntheticPeople.identity_of(both.names[a]) for a, _ in both.pairs[6:].tolist()}
    assert len(whose) == 2


def test_photos_and_poses_stay_with_their_names() -> None:
    first, second = people(0), people(1)
    both = mixed(first, second, 0.5)
    batch = both.batch(torch.tensor([2, 11, 7, 0]))
    for row, (data, pair) in enumerate([(first, 2), (second, 5), (second, 1), (first, 0)]):
        alone = data.batch(torch.tensor([pair]))
        assert torch.equal(batch.source_image[row], alone.source_image[0])
        assert torch.equal(batch.target_image[row], alone.target_image[0])
        assert torch.equal(batch.target_pose.xy[row], alone.target_pose.xy[0])
        assert (batch.source_names[row], batch.target_names[row]) == (alone.source_names[0], alone.target_names[0])
    assert both.report.totals == {"photos": 12, "pairs": 12}
    assert first.report.totals["pairs"] == 6


def test_sizes_and_shares_are_checked() -> None:
    with pytest.raises(ValueError, match="photos of"):
        mixed(people(0), people(1, size=(64, 32)), 0.5)
    with pytest.raises(ValueError, match="share=1"):
        mixed(people(0), people(1), 1.0)
