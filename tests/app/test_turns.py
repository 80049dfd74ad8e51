"""Who is next on the thread of the models: what is dragged first, nobody never, and what was given up not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from posegan.app.turns import IN_A_ROW, Turns


@pytest.fixture
def turns() -> Iterator[Turns]:
    turns = Turns("test")
    yield turns
    turns.close()


def held(turns: Turns) -> threading.Event:
    """Keep the thread busy until the event is set."""
    go, begun = threading.Event(), threading.Event()
    turns.submit(lambda: (begun.set(), go.wait(20)))
    assert begun.wait(20)
    return go


def test_what_is_urgent_goes_before_all_that_waits(turns):
    go, order = held(turns), []
    done = [turns.submit(lambda n=n: order.append(n), urgent=n >= 10) for n in (1, 2, 10, 3, 11)]
    go.set()
    for future in done:
        future.result(20)
    assert order == [10, 11, 1, 2, 3]


def test_others_are_not_held_up_for_good(turns):
    go, order = held(turns), []
    done = [turns.submit(lambda n=n: order.append(n), urgent=True) for n in range(2 * IN_A_ROW)]
    done.append(turns.submit(lambda: order.append(-1)))
    go.set()
    for future in done:
        future.result(20)
    assert order.index(-1) == IN_A_ROW


def test_what_fails_or_is_given_up_holds_up_nobody(turns):
    go, ran = held(turns), []
    given_up, failing = turns.submit(lambda: ran.append(1)), turns.submit(lambda: 1 / 0)
    last = turns.submit(lambda: 7)
    assert given_up.cancel()
    go.set()
    assert last.result(20) == 7
    with pytest.raises(ZeroDivisionError):
        failing.result(20)
    assert ran == []


def test_at_the_end_what_waits_is_forgotten():
    turns = Turns("test")
    go, ran = held(turns), []
    waiting = turns.submit(lambda: ran.append(1))
    threading.Timer(0.5, go.set).start()
    turns.close()
    with pytest.raises(CancelledError):
        waiting.result(1)
    assert ran == []
