"""Files are whole or not there, also when the writer fails or is killed; missing files are explained."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from posegan.errors import UserError
from posegan.files import (
    ExternalFile,
    append_text,
    atomic_writer,
    printable,
    require_writable,
    sha256_of,
    write_bytes,
    write_text,
)

SHA = hashlib.sha256(b"right").hexdigest()
FILE = ExternalFile("net.pth", "features for a loss", "https://example.org/net.pth", SHA)


def test_a_write_creates_folders_and_replaces_the_old_file(tmp_path: Path):
    path = tmp_path / "a" / "b" / "file.bin"
    write_bytes(path, b"old, and longer")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]


def test_text_is_utf8_with_its_line_ends_kept(tmp_path: Path):
    write_text(tmp_path / "naïve.txt", "é\r\n人\n")
    assert (tmp_path / "naïve.txt").read_bytes() == "é\r\n人\n".encode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_who_may_read_it_is_for_the_umask_or_the_old_file_to_say(tmp_path: Path):
    path = tmp_path / "f"
    for umask, mode in ((0o022, 0o644), (0o077, 0o600)):
        path.unlink(missing_ok=True)
        before = os.umask(umask)
        try:
            write_bytes(path, b"")
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == mode
    path.chmod(0o640)
    write_bytes(path, b"again")
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")
    with pytest.raises(error), atomic_writer(path) as file:
        file.write(b"half of the new")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_content_is_invisible_until_the_block_ends(tmp_path: Path):
    path = tmp_path / "file.bin"
    with atomic_writer(path) as file:
        file.write(b"new")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"new"


def test_a_rename_that_fails_leaves_no_part_file(tmp_path: Path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=r"taken cannot be written \(.*\): give another file"):
        write_bytes(tmp_path / "taken", b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_what_cannot_be_written_is_called_by_its_own_name(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (tmp_path / ("x" * 300), tmp_path / "file" / "below"):
        for write in (require_writable, lambda path: write_bytes(path, b"data")):
            with pytest.raises(UserError, match=rf"^{path} cannot be written \([A-Z].*\): give another file"):
                write(path)
    require_writable(tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told_with_the_name_of_the_file():
    with pytest.raises(UserError, match=r"^/dev/full cannot be written \(No space left on device\): make room"):
        append_text(Path("/dev/full"), "a line\n")


def test_text_is_added_at_the_end_or_the_file_is_named(tmp_path: Path):
    append_text(tmp_path / "lines", "ä\r\n")
    append_text(tmp_path / "lines", "b\n")
    assert (tmp_path / "lines").read_bytes() == "ä\r\nb\n".encode()
    with pytest.raises(UserError, match=rf"^{tmp_path} cannot be written \(.*\): give another file"):
        append_text(tmp_path, "a line\n")


def test_every_name_can_be_stored():
    assert printable("ä b.jpg") == "ä b.jpg"
    assert printable("b\udcff.jpg").encode() == rb"b\udcff.jpg"


def test_another_files_error_is_not_blamed_on_it(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="gone"), atomic_writer(tmp_path / "file"):
        (tmp_path / "gone").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")
    script = (
        "import sys, time; from pathlib import Path; from posegan.files import atomic_writer\n"
        "with atomic_writer(Path(sys.argv[1])) as file:\n"
        "    file.write(b'x' * 100_000); file.flush(); print('half', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    write_bytes(path, b"new")  # what the killed process left behind is in nobody's way
    assert path.read_bytes() == b"new"


def test_sha256_is_that_of_the_content(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"right")
    assert sha256_of(tmp_path / "f") == SHA


def test_the_right_file_is_returned_as_a_path(tmp_path: Path):
    (tmp_path / "net.pth").write_bytes(b"right")
    assert FILE.require(str(tmp_path / "net.pth")) == tmp_path / "net.pth"


def test_a_file_without_known_hash_is_taken_as_it_is(tmp_path: Path):
    (tmp_path / "any").write_bytes(b"anything")
    assert ExternalFile("any", "x", "y").require(tmp_path / "any") == tmp_path / "any"


def test_no_path_names_the_file_its_purpose_and_where_to_get_it():
    with pytest.raises(UserError) as caught:
        FILE.require(None)
    assert str(caught.value) == (
        "net.pth (features for a loss) is needed: get it from https://example.org/net.pth and give its path."
    )


def test_a_missing_file_names_path_purpose_source_and_hash(tmp_path: Path):
    with pytest.raises(UserError) as caught:
        FILE.require(tmp_path / "net.pth")
    message = str(caught.value)
    for part in (str(tmp_path / "net.pth"), "is missing", "net.pth", "features for a loss", "https://example.org", SHA):
        assert part in message


def test_a_folder_is_not_a_file(tmp_path: Path):
    with pytest.raises(UserError, match="is missing"):
        FILE.require(tmp_path)


def test_another_file_is_refused_by_its_hash(tmp_path: Path):
    (tmp_path / "net.pth").write_bytes(b"wrong")
    with pytest.raises(UserError, match=f"is not net.pth: its sha256 differs from {SHA}"):
        FILE.require(tmp_path / "net.pth")
