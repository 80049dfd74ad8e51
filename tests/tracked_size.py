"""The size guard of pre-commit: no tracked file over 12 MiB, no photo of a data set, 24 MiB in all."""

import subprocess
import sys
from pathlib import Path

ALL, ONE = 24 * 2**20, 12 * 2**20
FORBIDDEN = {".jpg", ".jpeg", ".pth", ".pt", ".pkl", ".onnx", ".tflite", ".pack"}  # photos, others' weights, pickles


def complaints(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    files = [root / name for name in listed.stdout.decode().split("\0") if name]
    sizes = {path: path.stat().st_size for path in files if path.is_file()}
    found = [f"{path} is {size / 2**20:.1f} MiB, more than 12" for path, size in sizes.items() if size > ONE]
    found += [f"{path} must not be tracked" for path in sizes if path.suffix.lower() in FORBIDDEN]
    if sum(sizes.values()) > ALL:
        found.append(f"all tracked files together are {sum(sizes.values()) / 2**20:.1f} MiB, more than 24")
    return found


if __name__ == "__main__":
    problems = complaints(Path(__file__).resolve().parent.parent)
    print("\n".join(problems))
    sys.exit(bool(problems))
