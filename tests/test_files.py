"""Small text files are read whatever state they are in, and nothing hangs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret

from authshim.files import Unreadable, read_text, version

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_a_text_is_read(file: Path) -> None:
    file.write_text("s3cret ü", encoding="utf-8")
    assert read_text(str(file)) == "s3cret ü"


def test_a_missing_file_is_none(file: Path) -> None:
    assert read_text(str(file)) is None


def test_a_file_in_what_is_no_folder_is_none(file: Path) -> None:
    file.write_text("")
    assert read_text(str(file / "below")) is None


def test_an_empty_file_is_empty_text(file: Path) -> None:
    file.write_bytes(b"")
    assert read_text(str(file)) == ""


def test_a_byte_order_mark_is_dropped(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(str(file)) == "{}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_where_its_mark_says_so(file: Path, encoding: str) -> None:
    file.write_bytes("\ufeffé".encode(encoding))
    assert read_text(str(file)) == "é"


def test_half_a_character_of_utf_16_is_no_error(file: Path) -> None:
    file.write_bytes(b"\xff\xfea\x00b")
    assert (read_text(str(file)) or "").startswith("a")


def test_what_is_no_utf_8_is_read_as_latin_1(file: Path) -> None:
    file.write_bytes(b"caf\xe9")
    assert read_text(str(file)) == "café"


@posix
def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"^it is not a regular file$"):
        read_text(str(tmp_path))


@posix
def test_a_device_is_not_read() -> None:
    with pytest.raises(Unreadable, match=r"^it is not a regular file$"):
        read_text("/dev/zero")


@posix
def test_a_pipe_that_nobody_writes_to_does_not_hang(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(Unreadable, match=r"^it is not a regular file$"):
        read_text(str(file))


@posix
def test_no_descriptor_stays_open(tmp_path: Path, file: Path) -> None:
    os.mkfifo(file)
    before = os.open(os.devnull, os.O_RDONLY)
    os.close(before)
    for path in (tmp_path, file, "/dev/zero"):
        with pytest.raises(Unreadable):
            read_text(str(path))
    after = os.open(os.devnull, os.O_RDONLY)
    os.close(after)
    assert after == before


@posix
def test_what_may_not_be_read_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so the system's answer is played.
    def refuse(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("authshim.files.os.open", refuse)
    with pytest.raises(Unreadable, match=r"^permission denied$"):
        read_text(str(file))


def test_a_name_that_no_file_has_says_so() -> None:
    with pytest.raises(Unreadable, match=r"^its name cannot be used$"):
        read_text("a\0b")


def test_a_huge_file_is_not_read(file: Path) -> None:
    file.write_bytes(b"s3cret")
    with pytest.raises(Unreadable) as caught:
        read_text(str(file), limit=5)
    assert_no_secret(str(caught.value), caught.value)


def test_the_limit_is_told_in_mebibytes(file: Path) -> None:
    file.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(Unreadable, match=r"^it is larger than 1 MiB$"):
        read_text(str(file), limit=1024 * 1024)


def test_a_file_of_just_the_limit_is_read(file: Path) -> None:
    file.write_bytes(b"12345")
    assert read_text(str(file), limit=5) == "12345"


def test_the_version_changes_with_the_file(file: Path) -> None:
    versions = [version(str(file))]
    file.write_text("a")
    versions.append(version(str(file)))
    file.write_text("ab")
    versions.append(version(str(file)))
    assert len(set(versions)) == 3


def test_a_replaced_file_has_another_version(file: Path) -> None:
    file.write_text("a")
    before = version(str(file))
    other = file.with_name("other")
    other.write_text("b")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert version(str(file)) != before


@pytest.mark.parametrize("path", [None, "", "nowhere", "a\0b"])
def test_what_is_not_there_has_no_version(path: str | None) -> None:
    assert version(path) is None


@posix
def test_a_disk_that_fails_is_told_in_its_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("s3cret")

    def fail(_: int) -> object:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("authshim.files.os.fstat", fail)
    with pytest.raises(Unreadable, match=r"^input/output error$") as caught:
        read_text(str(file))
    monkeypatch.undo()
    assert_no_secret(caught.value)
