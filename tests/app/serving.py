"""A real `posegan serve` in a process of its own, for tests that need sockets or a browser."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Start the server on a free port and yield its address; it is stopped afterwards."""
    command = [sys.executable, "-m", "posegan", "serve", "--port", "0", "--no-browser", "--device", "cpu", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("posegan is at "):
                yield line.split()[3]
                break
        else:
            raise AssertionError("the server did not start:\n" + "".join(lines))
    finally:
        process.terminate()
        process.communicate(timeout=20)
