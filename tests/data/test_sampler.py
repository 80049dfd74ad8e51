import pytest
import torch

from posegan.data.sampler import PairSampler


@pytest.mark.parametrize("mode", ["passes", "random"])
def test_draws_are_a_pure_function_of_seed_and_position(mode):
    whole = PairSampler(10, seed=3, mode=mode).indices(0, 95)
    again = PairSampler(10, seed=3, mode=mode)
    parts = [again.indices(k, n) for k, n in ((90, 5), (0, 7), (7, 50), (57, 33))]  # any order, any cut
    assert torch.equal(torch.cat([parts[1], parts[2], parts[3], parts[0]]), whole)
    assert not torch.equal(PairSampler(10, seed=4, mode=mode).indices(0, 95), whole)
    assert whole.dtype == torch.int64 and again.indices(5, 0).shape == (0,)


def test_each_pass_draws_every_pair_once_in_another_order():
    sampler = PairSampler(101, seed=0)
    first, second = sampler.indices(0, 101), sampler.indices(101, 101)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(101))
    assert not torch.equal(first, second)
    assert torch.equal(sampler.indices(50, 400)[:51], first[50:])


def test_random_draws_are_uniform_and_repeat():
    drawn = PairSampler(7, seed=1, mode="random").indices(10**9, 70_000)
    counts = drawn.bincount(minlength=7)
    assert len(counts) == 7
    assert (counts - 10_000).abs().max() < 400  # over four standard deviations


def test_half_of_the_draws_are_flipped_whatever_the_pair():
    sampler = PairSampler(50, seed=5)
    flips = sampler.flips(0, 10_000)
    assert flips.dtype == torch.bool and abs(int(flips.sum()) - 5000) < 250
    assert torch.equal(sampler.flips(123, 10), flips[123:133])
    assert len(set(flips.view(-1, 50).float().mean(0).tolist())) > 1
    drawn = sampler.indices(0, 10_000)
    assert (drawn[flips].bincount(minlength=50) - 100).abs().max() < 50


def test_an_order_that_must_never_change():
    """Runs are resumed, and results repeated, with later versions: these numbers are part of the format."""
    assert PairSampler(10, seed=0).indices(0, 10).tolist() == [0, 1, 5, 6, 3, 8, 7, 4, 9, 2]
    assert PairSampler(1000, seed=0, mode="random").indices(0, 5).tolist() == [9, 769, 252, 675, 773]
    assert PairSampler(10, seed=0).flips(0, 8).long().tolist() == [1, 0, 1, 1, 1, 1, 0, 1]


def test_nothing_to_draw_from_is_refused():
    with pytest.raises(ValueError, match="pairs"):
        PairSampler(0)
    with pytest.raises(ValueError, match="mode"):
        PairSampler(3, mode="other")
