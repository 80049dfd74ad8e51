"""`BatchLoader`: batches by step number, made a few steps ahead by background threads. It keeps no position.

A batch is a pure function of (sampler, step, rank), so training goes on from any step by asking for it.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, islice

from posegan.batch import Batch
from posegan.data.dataset import PosePairDataset
from posegan.data.sampler import PairSampler


class BatchLoader:
    """Makes the batches of a training run.

    batch_size: pairs of this process; the global batch is `batch_size * world`, of which a rank takes its slice.
    streams: independent batches a step (Deformable GAN draws three).
    flip: mirror half of the pairs.
    ahead: steps prepared in advance; workers: threads that prepare them. pin: page-locked memory, for CUDA.
    Raises ValueError for a rank outside the world or a batch of nothing.
    """

    def __init__(
        self,
        dataset: PosePairDataset,
        sampler: PairSampler,
        batch_size: int,
        *,
        rank: int = 0,
        world: int = 1,
        streams: int = 1,
        flip: bool = False,
        ahead: int = 4,
        workers: int = 2,
        pin: bool = False,
    ) -> None:
        if not 0 <= rank < world or min(batch_size, streams, ahead, workers) < 1:
            raise ValueError(f"rank {rank} of {world}, {batch_size=}, {streams=}, {ahead=}, {workers=}")
        if sampler.n_pairs != len(dataset):
            raise ValueError(f"the sampler draws from {sampler.n_pairs} pairs, the data set has {len(dataset)}")
        self.dataset = dataset
        self.sampler = sampler
        self.batch_size = batch_size
        self.rank, self.world = rank, world
        self.streams = streams
        self.flip = flip
        self.ahead, self.workers = ahead, workers
        self.pin = pin

    def batches(self, step: int) -> tuple[Batch, ...]:
        """Return this rank's batches of a step, one for each stream."""
        return tuple(self._batch(step * self.streams + stream) for stream in range(self.streams))

    def _batch(self, number: int) -> Batch:
        start = (number * self.world + self.rank) * self.batch_size
        flip = self.sampler.flips(start, self.batch_size) if self.flip else None
        batch = self.dataset.batch(self.sampler.indices(start, self.batch_size), flip)
        return _pinned(batch) if self.pin else batch

    def run(self, start: int = 0, stop: int | None = None) -> Generator[tuple[int, tuple[Batch, ...]]]:
        """Yield (step, batches) for start <= step < stop, without end if `stop` is None.

        An exception of a worker is raised here. Close the generator, or drop it, to stop the workers.
        """
        pool = ThreadPoolExecutor(self.workers, "posegan-loader")
        steps = count(start) if stop is None else iter(range(start, stop))
        waiting: deque[tuple[int, Future[tuple[Batch, ...]]]] = deque()
        try:
            for step in islice(steps, self.ahead):
                waiting.append((step, pool.submit(self.batches, step)))
            while waiting:
                step, made = waiting.popleft()
                batches = made.result()
                for following in islice(steps, 1):
                    waiting.append((following, pool.submit(self.batches, following)))
                yield step, batches
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _pinned(batch: Batch) -> Batch:
    """Return the batch with its images, which are nearly all of it, in page-locked memory."""
    return dataclasses.replace(
        batch, source_image=batch.source_image.pin_memory(), target_image=batch.target_image.pin_memory()
    )
