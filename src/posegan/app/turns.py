"""One thread on which functions run one after the other; what somebody drags goes before all that waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

IN_A_ROW = 8  # urgent ones before another one has its turn: several pages that play a motion hold up nobody for good


class Turns:
    """A thread, and what waits for it: urgent functions and others, each in the order in which they came."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._urgent: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._others: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._row = 0

    def submit(self, function: Callable[[], T], *, urgent: bool = False) -> Future[T]:
        """Have a function run when its turn comes, and return its future; one that is cancelled before is left out."""
        future: Future[T] = Future()
        (self._urgent if urgent else self._others).append((future, function))
        self._pool.submit(self._next)
        return future

    def _next(self) -> None:
        urgent = bool(self._urgent) and (self._row < IN_A_ROW or not self._others)
        self._row = self._row + 1 if urgent else 0
        future, function = (self._urgent if urgent else self._others).popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    def close(self) -> None:
        """Forget what still waits, and end the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for future, _ in (*self._urgent, *self._others):
            future.cancel()
