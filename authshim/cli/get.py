"""``authshim get URL``: download one file with the user's credentials."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim.cli import project, terminal
from authshim.errors import SettingsError
from authshim.urls import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from authshim.download import Note, Outcome, Progress
    from authshim.link import Link


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "get",
        parents=parents,
        help="download one file",
        description="Download one file with your credentials. It is checked by the hash in the URL's fragment "
        "(#sha256=...), and gets its name only when it is complete. An interrupted download is resumed, also if "
        "you run the command again.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file to write or replace (default: the last name of the URL's path, in the current folder; "
        "-: standard output, after the file is complete)",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Download the file and print its name."""
    from authshim import link

    found = link.read(options.url)
    if options.output == "":
        raise SettingsError("-o", "expected the name of a file")
    if options.output == "-":
        return _to_standard_output(found, options)
    target = options.output or found.filename
    try:
        outcome = _get(found, target, options, shown=target)
    except KeyboardInterrupt:
        if os.path.exists(f"{target}.part"):
            terminal.note(f"authshim: {target}.part is kept; run the same command again to resume")
        raise
    terminal.say(_describe(outcome, found, target))
    return 0


def _get(found: Link, target: str, options: Namespace, *, shown: str) -> Outcome:
    from authshim import download

    chain = project.make_chain_here(options)
    with _watching(shown, is_quiet=getattr(options, "quiet", 0) > 0) as (progress, note):
        return download.get(chain, found, target, progress=progress, note=note)


def _describe(outcome: Outcome, found: Link, target: str) -> str:
    checked = "its URL has no hash to check it"
    if found.digests:
        names = " and ".join(digest.algorithm for digest in found.digests)
        checked = f"its {names} is right"
    if not outcome.is_new:
        return f"{target} is there already, and {checked}"
    return f"wrote {target} ({outcome.size:,} bytes; {checked})"


def _to_standard_output(found: Link, options: Namespace) -> int:
    """Write the file to standard output after it is complete and checked."""
    import shutil
    from tempfile import TemporaryDirectory

    if sys.stdout is None or sys.stdout.isatty():
        state = "closed" if sys.stdout is None else "a terminal"
        reason = f"standard output is {state}; name a file, or pipe it into a program"
        raise SettingsError("-o -", reason)
    with TemporaryDirectory(prefix="authshim-") as folder:
        target = os.path.join(folder, "file")
        _get(found, target, options, shown="standard output")
        with open(target, "rb") as file, terminal.output():
            shutil.copyfileobj(file, sys.stdout.buffer)
    return 0


def _ignore(*_values: object) -> None:
    """Do nothing."""


def _note(text: str) -> None:
    terminal.note(f"authshim: {text}")


@contextmanager
def _watching(name: str, *, is_quiet: bool) -> Iterator[tuple[Progress, Note]]:
    """Yield functions that show the progress and a sentence on standard error."""
    if is_quiet:
        yield _ignore, _ignore
    elif not terminal.is_watched():
        yield _ignore, _note
    else:
        with _progress_bar(name) as shows:
            yield shows


@contextmanager
def _progress_bar(name: str) -> Iterator[tuple[Progress, Note]]:
    from rich import progress
    from rich.console import Console

    description = progress.TextColumn("{task.description}", markup=False)
    columns = (description, progress.BarColumn(), progress.DownloadColumn())
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(name), total=None)

        def update(length: int, size: int | None) -> None:
            bar.update(task, completed=length, total=size)

        def note(text: str) -> None:
            line = printable(f"authshim: {text}")
            bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

        yield update, note
