import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegan.batch import Batch
from posegan.data import BatchLoader, MarketPoseDataset, PairSampler
from posegan.errors import UserError


@pytest.fixture(scope="module")
def people(market: Path) -> MarketPoseDataset:
    return MarketPoseDataset(market, "train+validation", maps=False)


def pairs_of(*batches: Batch) -> list[tuple[str, str]]:
    return [pair for b in batches for pair in zip(b.source_names, b.target_names, strict=True)]


def loader_threads() -> int:
    return sum(thread.name.startswith("posegan-loader") for thread in threading.enumerate())


def test_batches_follow_the_sampler_from_any_step(people: MarketPoseDataset):
    loader = BatchLoader(people, PairSampler(len(people), seed=2), 5)
    names = people.pair_names()
    expected = [names[i] for i in loader.sampler.indices(15, 20).tolist()]
    run = list(loader.run(3, 7))
    assert [step for step, _ in run] == [3, 4, 5, 6]
    assert pairs_of(*(batch for _, (batch,) in run)) == expected
    assert list(loader.run(3, 3)) == []


def test_a_run_is_the_same_with_any_number_of_workers_and_steps_ahead(people: MarketPoseDataset):
    sampler = PairSampler(len(people), seed=0, mode="random")
    runs = [
        [batch for _, (batch,) in BatchLoader(people, sampler, 4, flip=True, workers=w, ahead=a).run(0, 12)]
        for w, a in ((1, 1), (3, 7))
    ]
    for one, other in zip(*runs, strict=True):
        assert torch.equal(one.source_image, other.source_image) and torch.equal(
            one.target_pose.xy, other.target_pose.xy
        )


def test_ranks_share_the_global_batch(people: MarketPoseDataset):
    sampler = PairSampler(len(people), seed=1)
    (whole,) = BatchLoader(people, sampler, 6, flip=True).batches(4)
    parts = [BatchLoader(people, sampler, 2, rank=r, world=3, flip=True).batches(4)[0] for r in range(3)]
    assert pairs_of(*parts) == pairs_of(whole)
    assert torch.equal(torch.cat([p.target_image for p in parts]), whole.target_image)


def test_streams_are_successive_draws_that_do_not_overlap(people: MarketPoseDataset):
    sampler = PairSampler(len(people), seed=1)
    loader = BatchLoader(people, sampler, 4, streams=3)
    assert all(len(loader.batches(step)) == 3 for step in range(2))
    whole = BatchLoader(people, sampler, 24).batches(0)
    assert pairs_of(*loader.batches(0), *loader.batches(1)) == pairs_of(*whole)


def test_an_exception_in_a_worker_reaches_the_consumer(market: Path):
    people = MarketPoseDataset(market, "train+validation", maps=False)

    class Broken:
        names, size = people.photos.names, people.photos.size

        def read(self, indices: Tensor) -> Tensor:
            raise UserError("photo.jpg is broken")

    people.photos = Broken()
    with pytest.raises(UserError, match="broken"):
        next(BatchLoader(people, PairSampler(len(people)), 4).run())
    assert loader_threads() == 0


def test_an_endless_run_stops_its_threads_when_closed(people: MarketPoseDataset):
    run = BatchLoader(people, PairSampler(len(people)), 4, workers=2).run()
    for expected in range(30):  # several passes
        step, (batch,) = next(run)
        assert step == expected and len(batch) == 4
    assert loader_threads() > 0
    run.close()
    assert loader_threads() == 0


def test_no_more_than_the_steps_ahead_are_prepared(people: MarketPoseDataset):
    loader = BatchLoader(people, PairSampler(len(people)), 4, ahead=3, workers=1)
    made: list[int] = []
    original = loader.batches
    loader.batches = lambda step: (made.append(step), original(step))[1]  # type: ignore[method-assign]
    run = loader.run()
    next(run)
    next(run)
    run.close()
    assert max(made) <= 1 + 3


def test_wrong_arguments_are_refused(people: MarketPoseDataset):
    sampler = PairSampler(len(people))
    for wrong in ({"rank": 2, "world": 2}, {"streams": 0}, {"ahead": 0}):
        with pytest.raises(ValueError, match="rank"):
            BatchLoader(people, sampler, 4, **wrong)
    with pytest.raises(ValueError, match="data set has"):
        BatchLoader(people, PairSampler(5), 4)
