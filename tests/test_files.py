"""Tests of reading small text files in any state, without blocking."""

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


def test_read_text_returns_the_text(file: Path) -> None:
    file.write_text("s3cret ü", encoding="utf-8")
    assert read_text(str(file)) == "s3cret ü"


def test_read_text_of_a_missing_file_is_none(file: Path) -> None:
    assert read_text(str(file)) is None


def test_read_text_below_a_file_is_none(file: Path) -> None:
    file.write_text("")
    assert read_text(str(file / "below")) is None


def test_read_text_of_an_empty_file_is_empty(file: Path) -> None:
    file.write_bytes(b"")
    assert read_text(str(file)) == ""


def test_read_text_drops_a_byte_order_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(str(file)) == "{}"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_read_text_decodes_utf_16_with_a_mark(file: Path, encoding: str) -> None:
    file.write_bytes("\ufeffé".encode(encoding))
    assert read_text(str(file)) == "é"


def test_read_text_replaces_half_a_character_of_utf_16(file: Path) -> None:
    file.write_bytes(b"\xff\xfea\x00b")
    assert (read_text(str(file)) or "").startswith("a")


def test_read_text_decodes_latin_1_if_not_utf_8(file: Path) -> None:
    file.write_bytes(b"caf\xe9")
    assert read_text(str(file)) == "café"


@posix
def test_read_text_of_a_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"^it is not a regular file$"):
        read_text(str(tmp_path))


@posix
def test_read_text_of_a_device_raises() -> None:
    with pytest.raises(Unreadable, match=r"^it is not a regular file$"):
        read_text("/dev/zero")


@posix
def test_read_text_of_a_pipe_raises_at_once(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(Unreadable, match=r"^it is not a regular file$"):
        read_text(str(file))


@posix
def test_read_text_closes_the_descriptor(tmp_path: Path, file: Path) -> None:
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
def test_read_text_without_permission_raises(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so the system's answer is played.
    def refuse(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("authshim.files.os.open", refuse)
    with pytest.raises(Unreadable, match=r"^permission denied$"):
        read_text(str(file))


def test_read_text_of_an_invalid_name_raises() -> None:
    with pytest.raises(Unreadable, match=r"^its name cannot be used$"):
        read_text("a\0b")


def test_read_text_above_the_limit_raises_without_content(file: Path) -> None:
    file.write_bytes(b"s3cret")
    with pytest.raises(Unreadable) as caught:
        read_text(str(file), limit=5)
    assert_no_secret(str(caught.value), caught.value)


def test_read_text_names_the_limit_in_mebibytes(file: Path) -> None:
    file.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(Unreadable, match=r"^it is larger than 1 MiB$"):
        read_text(str(file), limit=1024 * 1024)


def test_read_text_accepts_exactly_the_limit(file: Path) -> None:
    file.write_bytes(b"12345")
    assert read_text(str(file), limit=5) == "12345"


def test_version_changes_with_the_file(file: Path) -> None:
    versions = [version(str(file))]
    file.write_text("a")
    versions.append(version(str(file)))
    file.write_text("ab")
    versions.append(version(str(file)))
    assert len(set(versions)) == 3


def test_version_changes_if_the_file_is_replaced(file: Path) -> None:
    file.write_text("a")
    before = version(str(file))
    other = file.with_name("other")
    other.write_text("b")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)
    assert version(str(file)) != before


@pytest.mark.parametrize("path", [None, "", "nowhere", "a\0b"])
def test_version_of_a_missing_file_is_none(path: str | None) -> None:
    assert version(path) is None


@posix
def test_read_text_reports_the_error_of_the_disk(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("s3cret")

    def fail(_: int) -> object:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("authshim.files.os.fstat", fail)
    with pytest.raises(Unreadable, match=r"^input/output error$") as caught:
        read_text(str(file))
    monkeypatch.undo()
    assert_no_secret(caught.value)
