"""Training state on disk: everything an exact resume needs, in files that are whole or not there.

A state file is named by its step and the first half of its sha256, so damage shows when it is read. It is a torch file
of tensors and plain values that is read with `weights_only`.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from pathlib import Path
from typing import Any

import torch

from posegan.errors import UserError
from posegan.files import sha256_of, write_bytes

_NAME = re.compile(r"step-(\d{8})-([0-9a-f]{32})\.pt")


class DamagedStateWarning(UserWarning):
    """A state file did not match its own name and was passed over."""


def save_state(folder: Path, step: int, state: dict[str, Any], keep: int) -> Path:
    """Write a state and delete all but the newest `keep`; the old ones go only after the new one is on the disk.

    States of later steps go too: a run that comes to this step again went back because they were damaged. So do the
    unfinished files of writers that were killed.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    path = folder / f"step-{step:08d}-{hashlib.sha256(data).hexdigest()[:32]}.pt"
    write_bytes(path, data)
    earlier = [old for old in list_states(folder) if old.name < path.name]
    for old in {*list_states(folder), *folder.glob(".step-*.part")} - {path, *earlier[: keep - 1]}:
        old.unlink()
    return path


def list_states(folder: Path) -> list[Path]:
    """Return the state files of a folder, newest step first."""
    return sorted((p for p in folder.glob("step-*.pt") if _NAME.fullmatch(p.name)), reverse=True)


def load_newest_state(folder: Path) -> tuple[int, dict[str, Any]] | None:
    """Return (step, state) of the newest undamaged state, or None if there is no state file at all.

    Warns of each damaged file that it passes over; raises UserError if there are files and all are damaged.
    """
    files = list_states(folder)
    for path in files:
        match = _NAME.fullmatch(path.name)
        assert match is not None
        if sha256_of(path)[:32] == match[2]:
            return int(match[1]), torch.load(path, map_location="cpu", weights_only=True)
        warnings.warn(f"{path} is damaged; going back to the state before it", DamagedStateWarning, stacklevel=2)
    if files:
        raise UserError(f"Every state file in {folder} is damaged: delete that folder to start the run anew.")
    return None
