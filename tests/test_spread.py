"""At even distances, from the first to the last."""

import pytest

from posegan.spread import evenly_spread


@pytest.mark.parametrize(
    ("total", "most", "wanted"),
    [(5, 3, [0, 2, 4]), (3, 8, [0, 1, 2]), (10, 4, [0, 3, 6, 9]), (7, 1, [0]), (1, 4, [0]), (0, 4, [])],
)
def test_at_even_distances_from_the_first_to_the_last(total: int, most: int, wanted: list[int]) -> None:
    assert evenly_spread(total, most).tolist() == wanted


def test_the_last_of_many_millions_is_the_last() -> None:
    """In float32 it would be one too many."""
    assert evenly_spread(2**25 + 4, 3).tolist() == [0, 2**24 + 2, 2**25 + 3]
