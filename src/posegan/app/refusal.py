"""What the server answers to a request that it does not carry out: one sentence, with an HTTP status."""

from __future__ import annotations

from posegan.errors import UserError


class RefusedError(UserError):
    """A request that is turned down; status: the HTTP status that goes with the sentence."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status
