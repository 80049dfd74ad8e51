"""One writer at a time, no lock file left behind, and a killed one locks nobody out."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from posegan.errors import UserError
from posegan.lock import sole_writer

HOLD = (
    "import sys, time; from pathlib import Path; from posegan.lock import sole_writer\n"
    "with sole_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)\n"
)


@pytest.mark.parametrize("name", [".", "rows.csv"])
def test_the_second_of_two_is_told_and_nothing_is_left(tmp_path: Path, name: str):
    path = tmp_path / name
    with (
        sole_writer(path),
        pytest.raises(UserError, match=f"^{path} is in use by another run .* give another place"),
        sole_writer(path),
    ):
        raise AssertionError("two hold it")
    assert list(tmp_path.iterdir()) == []
    with sole_writer(path):  # free again
        assert [file.name for file in tmp_path.iterdir()] == [".lock" if name == "." else ".rows.csv.lock"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process_locks_nobody_out(tmp_path: Path):
    path = tmp_path / "rows.csv"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="in use"), sole_writer(path):
            pass
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert (tmp_path / ".rows.csv.lock").exists()
    with sole_writer(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_locked_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "rows.csv"
    with pytest.raises(UserError, match=f"^{path} cannot be written .* give another place"), sole_writer(path):
        pass
