"""The one exception that a user's mistake raises; every other exception is a defect of posegan."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend: its text is one sentence that names the file, key or value and the remedy."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones, with the nearest ones first."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(repr(n) for n in near)}?" if near else f"choose one of: {', '.join(names)}."
    return UserError(f"Unknown {kind} {name!r}; {hint}")
