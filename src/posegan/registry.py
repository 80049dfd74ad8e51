"""Name to class, for whatever a config selects by name; it knows nothing of what it holds."""

from collections.abc import Callable
from typing import Generic, TypeVar

from posegan.errors import unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of named classes that refuses duplicates and answers unknown names with the nearest known ones."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Return a class decorator that enters the class under `name`; raises ValueError if the name is taken."""

        def enter(cls: type[T]) -> type[T]:
            if name in self._entries and self._entries[name] is not cls:
                raise ValueError(f"{self.kind} {name!r} is registered twice: {self._entries[name]} and {cls}")
            self._entries[name] = cls
            return cls

        return enter

    def get(self, name: str) -> type[T]:
        """Return the class of that name; raises UserError with the nearest names if there is none."""
        if name not in self._entries:
            raise unknown_name(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> tuple[str, ...]:
        """Return all registered names in alphabetical order."""
        return tuple(sorted(self._entries))
