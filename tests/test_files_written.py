"""Tests of atomic writes under an exclusive lock."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret

from authshim import files

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")


def write(path: Path, text: str) -> None:
    files.rewrite(str(path), lambda _: text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_rewrite_makes_file_and_folders_for_the_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "auth.json"
    before = os.umask(0)
    try:
        write(file, "new")
    finally:
        os.umask(before)
    assert file.read_text() == "new"
    assert [mode(path) for path in (file, file.parent, file.parent.parent)] == [0o600, 0o700, 0o700]


@posix
def test_rewrite_takes_the_file_away_from_other_readers(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    file.write_text("old")
    file.chmod(0o644)
    assert files.others_can_read(str(file))
    write(file, "new")
    assert mode(file) == 0o600
    assert not files.others_can_read(str(file))


def test_rewrite_passes_the_text_or_none_to_the_change(tmp_path: Path) -> None:
    seen: list[str | None] = []
    for _ in range(2):
        files.rewrite(str(tmp_path / "f"), lambda text: seen.append(text) or "text")
    assert seen == [None, "text"]


def test_rewrite_writes_nothing_if_the_change_is_none(tmp_path: Path) -> None:
    files.rewrite(str(tmp_path / "f"), lambda _: None)
    assert not (tmp_path / "f").exists()


@posix
@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing yet"])
def test_rewrite_follows_and_keeps_a_symbolic_link(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles" / "auth.json", tmp_path / "link.json"
    target.parent.mkdir()
    if there:
        target.write_text("old")
    link.symlink_to("dotfiles/auth.json")
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert not target.is_symlink()


def test_rewrite_leaves_only_the_file_and_its_lock(tmp_path: Path) -> None:
    write(tmp_path / "f", "new")
    assert {path.name for path in tmp_path.iterdir()} <= {"f", "f.lock"}


def test_rewrite_removes_the_rest_of_a_killed_writer(tmp_path: Path) -> None:
    (tmp_path / "f.new").write_text("half")
    write(tmp_path / "f", "new")
    assert (tmp_path / "f").read_text() == "new"
    assert not (tmp_path / "f.new").exists()


@posix
def test_rewrite_does_not_write_through_a_link_as_new_file(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("dear")
    (tmp_path / "f.new").symlink_to("victim")
    write(tmp_path / "f", "new")
    assert (tmp_path / "victim").read_text() == "dear"


def test_rewrite_keeps_the_file_if_the_change_raises(tmp_path: Path) -> None:
    write(tmp_path / "f", "old")

    def fail(_: str | None) -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        files.rewrite(str(tmp_path / "f"), fail)
    assert (tmp_path / "f").read_text() == "old"


@posix
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_rewrite_of_no_regular_file_raises_and_makes_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(os.devnull)
    with pytest.raises(files.Unreadable):
        write(path, "new")
    assert [found.name for found in tmp_path.iterdir()] == ["f"]


@posix
def test_rewrite_of_a_link_to_itself_raises(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to("f")
    with pytest.raises(files.Unreadable):
        write(tmp_path / "f", "new")


def test_locked_raises_if_the_lock_is_removed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def acquire(_: object) -> None:
        """Raise the error that the filelock of Python 3.9 raises then."""
        raise FileNotFoundError

    monkeypatch.setattr("filelock.FileLock.acquire", acquire)
    with pytest.raises(files.Locked), files.locked(str(tmp_path / "f"), 0):
        pass


@posix
def test_locked_raises_if_the_lock_is_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("all of it")
    (tmp_path / "f.lock").symlink_to("precious")
    with pytest.raises(files.Unwritable, match=r"f\.lock is a symbolic link: remove it"):
        write(tmp_path / "f", "new")
    assert (tmp_path / "precious").read_text() == "all of it"
    assert not (tmp_path / "f").exists()


def test_rewrite_raises_if_the_lock_is_held_too_long(tmp_path: Path) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold(_: str | None) -> None:
        held.set()
        go_on.wait(60)

    other = threading.Thread(target=files.rewrite, args=(str(tmp_path / "f"), hold))
    other.start()
    assert held.wait(60)
    with pytest.raises(files.Unwritable, match=r"another process holds .*f\.lock"):
        files.rewrite(str(tmp_path / "f"), lambda _: "new", deadline=0.1)
    go_on.set()
    other.join()
    write(tmp_path / "f", "new")


def test_rewrite_in_a_read_only_folder_raises_one_sentence(
    open_folder: Path, request: pytest.FixtureRequest
) -> None:
    (open_folder / "f").write_text("old")
    (open_folder / "f").chmod(0o644)
    open_folder.chmod(0o555)
    request.getfixturevalue("nobody")
    with pytest.raises(files.Unwritable) as caught:
        write(open_folder / "f", "s3cret")
    assert str(caught.value) == f"{open_folder / 'f.lock'} cannot be opened: permission denied"
    assert (open_folder / "f").read_text() == "old"


@posix
def test_rewrite_raises_one_sentence_if_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(files.Unwritable):
        write(tmp_path / "file" / "below" / "f", "new")


def test_rewrite_syncs_the_new_file_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check the order: after a power cut the file must not be empty."""
    (tmp_path / "f").write_text("old")
    done: list[str] = []
    sync, replace = os.fsync, os.replace

    def seen_sync(descriptor: int) -> None:
        sync(descriptor)
        found = os.fstat(descriptor)
        done.append(f"synced {found.st_size}" if stat.S_ISREG(found.st_mode) else "folder")

    def seen_replace(source: str, target: str) -> None:
        replace(source, target)
        done.append("renamed")

    monkeypatch.setattr(os, "fsync", seen_sync)
    monkeypatch.setattr(os, "replace", seen_replace)
    write(tmp_path / "f", "newer")
    assert done == ["synced 5", "renamed", *(["folder"] if os.name == "posix" else [])]


FULL = """\
import resource, sys
from authshim import files
import filelock
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
try:
    files.rewrite(sys.argv[1], lambda _: "s3cret" * 4096)
except files.Unwritable as error:
    print(error)
# coverage, if it looks on, writes a file at the end
resource.setrlimit(resource.RLIMIT_FSIZE, before)
"""


@posix
def test_rewrite_keeps_the_old_file_if_the_disk_is_full(tmp_path: Path) -> None:
    """Stop the write half-way by the kernel's limit for a file's size, as a full disk does."""
    write(tmp_path / "f", "old")
    command = [sys.executable, "-c", FULL, str(tmp_path / "f")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == ("file too large\n", "")
    assert (tmp_path / "f").read_text() == "old"
    assert not (tmp_path / "f.new").exists()
    assert_no_secret(ended.stdout)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root writes the files of others"
)
def test_rewrite_keeps_the_owner_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    os.chown(tmp_path / "f", 65534, 65534)
    write(tmp_path / "f", "new")
    assert (tmp_path / "f").stat().st_uid == 65534


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_rewrite_as_root_gives_files_to_the_folder_owner(open_folder: Path) -> None:
    os.chown(open_folder, 65534, 65534)
    write(open_folder / "new" / "f", "s3cret")
    made = [open_folder / "new", open_folder / "new" / "f.lock"]
    assert [path.stat().st_uid for path in made] == [65534] * 2


def test_rewrite_works_without_owners_and_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as on Windows, but keep the name of the system: pathlib would look for drives."""
    monkeypatch.setattr("authshim.files.os.name", "other")
    try:
        files.rewrite(str(tmp_path) + "/f", lambda _: "new")
        others = files.others_can_read(str(tmp_path) + "/f")
    finally:
        monkeypatch.undo()
    assert (tmp_path / "f").read_text() == "new"
    assert not others


@posix
def test_give_to_owner_does_nothing_if_not_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda *words, **_: given.append(words))
    files.give_to_owner(str(tmp_path / "f"))
    assert given == []
