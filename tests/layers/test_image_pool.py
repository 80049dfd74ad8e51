"""`ImagePool` against one fake after the other, and what a resume needs of it."""

import copy

import pytest
import torch
from torch import Tensor

from posegan.layers.image_pool import ImagePool


class OneByOne:
    """The pool as it is written in CycleGAN, fed with the random numbers that `ImagePool` draws for a batch."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool: list[float] = []

    def __call__(self, fakes: list[float]) -> list[float]:
        chances, slots = torch.rand(len(fakes)).tolist(), torch.randint(self.size, (len(fakes),)).tolist()
        shown = []
        for fake, chance, slot in zip(fakes, chances, slots, strict=True):
            if len(self.pool) < self.size:
                self.pool.append(fake)
                shown.append(fake)
            elif chance < 0.5:
                shown.append(self.pool[slot])
                self.pool[slot] = fake
            else:
                shown.append(fake)
        return shown


def fakes(first: int, count: int) -> Tensor:
    """Return pictures (count, 1, 2, 3) that are each filled with their number."""
    return torch.arange(first, first + count).float()[:, None, None, None].expand(-1, 1, 2, 3)


def numbers(pictures: Tensor) -> list[float]:
    """Return which pictures these are."""
    assert torch.equal(pictures, pictures[:, :1, :1, :1].expand_as(pictures))
    return pictures[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(("size", "batch"), [(1, 1), (1, 4), (3, 1), (3, 2), (3, 8), (5, 4), (50, 7)])
def test_a_batch_is_the_same_as_its_fakes_one_after_the_other(size: int, batch: int) -> None:
    pool, slow = ImagePool(size, (1, 2, 3)), OneByOne(size)
    for step in range(60):
        new = fakes(step * batch, batch)
        torch.manual_seed(step)
        found = numbers(pool(new))
        torch.manual_seed(step)
        assert found == slow(numbers(new))
        assert numbers(pool.images[: len(slow.pool)]) == slow.pool
        assert pool.count == len(slow.pool)


def test_a_full_pool_exchanges_half_of_the_fakes_for_any_old_one() -> None:
    torch.manual_seed(0)
    pool = ImagePool(4, (1, 2, 3))
    pool(fakes(0, 4))
    old, first = 0, []
    for step in range(2000):
        trial = copy.deepcopy(pool)
        (shown,) = numbers(trial(fakes(100 + step, 1)))
        if shown < 4:
            old += 1
            first.append(shown)
    assert 900 < old < 1100
    assert all(first.count(i) > 180 for i in range(4))


def test_while_it_fills_it_returns_the_new_fakes() -> None:
    pool = ImagePool(8, (1, 2, 3))
    for step in range(4):
        assert numbers(pool(fakes(2 * step, 2))) == [2 * step, 2 * step + 1]
    assert numbers(pool.images) == list(range(8))


def test_size_0_returns_every_fake_and_keeps_nothing() -> None:
    pool = ImagePool(0, (1, 2, 3))
    for step in range(3):
        assert numbers(pool(fakes(step, 2))) == [step, step + 1]
    assert pool.images.numel() == 0
    pool.load_state_dict(pool.state_dict())


def test_no_gradient_passes() -> None:
    new = fakes(0, 3).clone().requires_grad_()
    for size in (0, 2):
        assert not ImagePool(size, (1, 2, 3))(new).requires_grad


def test_a_loaded_pool_goes_on_as_the_saved_one() -> None:
    pool = ImagePool(3, (1, 2, 3))
    torch.manual_seed(0)
    for step in range(5):
        pool(fakes(2 * step, 2))
    loaded = ImagePool(3, (1, 2, 3))
    loaded.load_state_dict(pool.state_dict())
    for step in range(10, 20):
        torch.manual_seed(step)
        wanted = pool(fakes(2 * step, 2))
        torch.manual_seed(step)
        assert torch.equal(loaded(fakes(2 * step, 2)), wanted)
    assert torch.equal(loaded.images, pool.images)


def test_what_it_returned_does_not_change_later() -> None:
    torch.manual_seed(0)
    pool = ImagePool(1, (1, 2, 3))
    given = [pool(fakes(step, 1)) for step in range(20)]
    kept = [numbers(g) for g in given]
    pool(fakes(50, 20))
    assert [numbers(g) for g in given] == kept


def test_half_precision_fakes_come_back_in_their_type() -> None:
    torch.manual_seed(0)
    pool = ImagePool(2, (1, 2, 3))
    for step in range(10):
        shown = pool(fakes(step, 2).bfloat16())
        assert shown.dtype == torch.bfloat16
        assert set(numbers(shown.float())) <= set(range(12))
    assert pool.images.dtype == torch.float32


@pytest.mark.parametrize("size", [0, 2])
def test_pictures_of_another_shape_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"a pool of \(1, 2, 3\) cannot take \(1, 3, 2\)"):
        ImagePool(size, (1, 2, 3))(torch.zeros(1, 1, 3, 2))
