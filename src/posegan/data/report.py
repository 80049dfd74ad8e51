"""`DataReport`: what was found wrong with a data set and what was done about it. It finds nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from posegan.files import printable

EXAMPLES = 3  # names kept of each kind


@dataclass
class DataReport:
    """Counts of what a data set holds and of what was left out of it or changed, with the first few names of each.

    totals: what is there, for example {"photos": 12936, "pairs": 263632}.
    counts: what was skipped or changed, by kind; kinds that did not occur are absent.
    examples: up to EXAMPLES names or messages of each kind.
    """

    totals: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, names: Iterable[str]) -> None:
        """Count every name under `kind`, keeping the first few."""
        names = list(names)
        if names:
            self.counts[kind] = self.counts.get(kind, 0) + len(names)
            kept = self.examples.setdefault(kind, [])
            kept.extend(map(printable, names[: EXAMPLES - len(kept)]))

    def text(self) -> str:
        """Return the report as lines for a terminal."""
        lines = [", ".join(f"{count:,} {what}" for what, count in self.totals.items())] if self.totals else []
        for kind, count in self.counts.items():
            shown = ", ".join(self.examples[kind])
            lines.append(f"  {count:,} {kind}: {shown}{', ...' if count > len(self.examples[kind]) else ''}")
        return "\n".join(lines)
