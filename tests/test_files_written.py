"""Files are written whole or not at all, by one process at a time."""

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
    files.update(str(path), lambda _: text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_a_new_file_is_for_its_owner_only_and_so_are_the_folders_made_for_it(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "auth.json"
    before = os.umask(0)
    try:
        write(file, "new")
    finally:
        os.umask(before)
    assert file.read_text() == "new"
    assert [mode(path) for path in (file, file.parent, file.parent.parent)] == [0o600, 0o700, 0o700]


@posix
def test_a_file_that_others_could_read_is_for_its_owner_only_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    file.write_text("old")
    file.chmod(0o644)
    assert files.others_can_read(str(file))
    write(file, "new")
    assert mode(file) == 0o600
    assert not files.others_can_read(str(file))


def test_the_change_is_given_the_text_and_none_where_there_is_no_file(tmp_path: Path) -> None:
    seen: list[str | None] = []
    for _ in range(2):
        files.update(str(tmp_path / "f"), lambda text: seen.append(text) or "text")
    assert seen == [None, "text"]


def test_no_change_writes_nothing(tmp_path: Path) -> None:
    files.update(str(tmp_path / "f"), lambda _: None)
    assert not (tmp_path / "f").exists()


@posix
@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing yet"])
def test_a_symbolic_link_is_followed_and_stays(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles" / "auth.json", tmp_path / "link.json"
    target.parent.mkdir()
    if there:
        target.write_text("old")
    link.symlink_to("dotfiles/auth.json")
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert not target.is_symlink()


def test_nothing_but_the_file_and_its_lock_stays(tmp_path: Path) -> None:
    write(tmp_path / "f", "new")
    assert {path.name for path in tmp_path.iterdir()} <= {"f", "f.lock"}


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "f.new").write_text("half")
    write(tmp_path / "f", "new")
    assert (tmp_path / "f").read_text() == "new"
    assert not (tmp_path / "f.new").exists()


@posix
def test_a_link_where_the_new_file_would_be_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("dear")
    (tmp_path / "f.new").symlink_to("victim")
    write(tmp_path / "f", "new")
    assert (tmp_path / "victim").read_text() == "dear"


def test_an_error_of_the_change_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "f", "old")

    def fail(_: str | None) -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        files.update(str(tmp_path / "f"), fail)
    assert (tmp_path / "f").read_text() == "old"


@posix
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_not_replaced_and_nothing_is_made_beside_it(kind: str, tmp_path: Path) -> None:
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
def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to("f")
    with pytest.raises(files.Unreadable):
        write(tmp_path / "f", "new")


def test_a_lock_that_is_removed_while_it_is_asked_for_is_held_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def acquire(_: object) -> None:
        """Do what the filelock of Python 3.9 does then."""
        raise FileNotFoundError

    monkeypatch.setattr("filelock.FileLock.acquire", acquire)
    with pytest.raises(files.Held), files.locked(str(tmp_path / "f"), 0, stays=False):
        pass


@posix
def test_a_lock_that_is_a_link_empties_no_file(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("all of it")
    (tmp_path / "f.lock").symlink_to("precious")
    with pytest.raises(files.Unwritable, match=r"f\.lock is a symbolic link: remove it"):
        write(tmp_path / "f", "new")
    assert (tmp_path / "precious").read_text() == "all of it"
    assert not (tmp_path / "f").exists()


def test_another_that_holds_the_lock_is_waited_for_within_bounds(tmp_path: Path) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold(_: str | None) -> None:
        held.set()
        go_on.wait(20)

    other = threading.Thread(target=files.update, args=(str(tmp_path / "f"), hold))
    other.start()
    held.wait(20)
    with pytest.raises(files.Unwritable, match=r"another process holds .*f\.lock"):
        files.update(str(tmp_path / "f"), lambda _: "new", deadline=0.1)
    go_on.set()
    other.join()
    write(tmp_path / "f", "new")


def test_a_read_only_folder_is_one_sentence(open_folder: Path, request: pytest.FixtureRequest) -> None:
    (open_folder / "f").write_text("old")
    (open_folder / "f").chmod(0o644)
    open_folder.chmod(0o555)
    request.getfixturevalue("nobody")
    with pytest.raises(files.Unwritable) as caught:
        write(open_folder / "f", "s3cret")
    assert str(caught.value) == f"{open_folder / 'f.lock'} cannot be opened: permission denied"
    assert (open_folder / "f").read_text() == "old"


@posix
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(files.Unwritable):
        write(tmp_path / "file" / "below" / "f", "new")


def test_a_new_file_is_on_the_disk_before_it_takes_the_name_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else a power cut leaves an empty file."""
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
    files.update(sys.argv[1], lambda _: "s3cret" * 4096)
except files.Unwritable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, before)  # coverage, if it looks on, writes a file at the end
"""


@posix
def test_a_disk_that_is_full_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    """The kernel's bound for the size of a file stops the writing half-way, as a full disk does."""
    write(tmp_path / "f", "old")
    command = [sys.executable, "-c", FULL, str(tmp_path / "f")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == ("file too large\n", "")
    assert (tmp_path / "f").read_text() == "old"
    assert not (tmp_path / "f.new").exists()
    assert_no_secret(ended.stdout)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root writes the files of others")
def test_a_file_of_another_user_stays_theirs(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    os.chown(tmp_path / "f", 65534, 65534)
    write(tmp_path / "f", "new")
    assert (tmp_path / "f").stat().st_uid == 65534


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(open_folder: Path) -> None:
    os.chown(open_folder, 65534, 65534)
    write(open_folder / "new" / "f", "s3cret")
    made = [open_folder / "new", open_folder / "new" / "f.lock"]
    assert [path.stat().st_uid for path in made] == [65534] * 2


def test_a_system_without_owners_and_modes_has_files_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows; its own name would have pathlib look for drives."""
    monkeypatch.setattr("authshim.files.os.name", "other")
    try:
        files.update(str(tmp_path) + "/f", lambda _: "new")
        others = files.others_can_read(str(tmp_path) + "/f")
    finally:
        monkeypatch.undo()
    assert (tmp_path / "f").read_text() == "new"
    assert not others


@posix
def test_who_is_not_root_gives_no_file_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda *words, **_: given.append(words))
    files.give_to_owner(str(tmp_path / "f"))
    assert given == []
