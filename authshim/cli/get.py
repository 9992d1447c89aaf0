"""``authshim get URL``: download one file with the user's credentials."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from authshim.cli import project, terminal
from authshim.errors import SettingsError
from authshim.redact import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from authshim.download.link import Link


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "get",
        parents=parents,
        help="download one file",
        description="Download one file with your credentials. It is checked by the hash in the "
        "URL's fragment (#sha256=...), and gets its name only when it is complete.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file to write or replace (default: the last name of the URL's path, in the "
        "current folder; -: standard output, after the file is complete)",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Download the file and print its name."""
    from authshim.download import link

    found = link.read(options.url)
    if options.output == "":
        raise SettingsError("-o", "expected the name of a file")
    if options.output == "-":
        return _to_standard_output(found, options)
    target = options.output or found.filename
    size = _get(found, target, options)
    checked = "its URL has no hash to check it"
    if found.digest:
        checked = f"its {found.algorithm} is right"
    terminal.say(f"wrote {target} ({size:,} bytes; {checked})")
    return 0


def _get(found: Link, target: str, options: Namespace) -> int:
    """Download the file, show the progress on a terminal, and return the size."""
    from rich import progress
    from rich.console import Console

    from authshim.download import transfer

    chain = project.make_chain_here(options)
    is_quiet = getattr(options, "quiet", 0) > 0
    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=is_quiet or not terminal.is_watched(),
    )
    name = os.path.basename(target)
    task = bar.add_task(printable(name), total=None)

    def update(length: int, size: int | None) -> None:
        bar.update(task, completed=length, total=size)

    with bar:
        return transfer.get(chain, found, target, progress=update)


def _to_standard_output(found: Link, options: Namespace) -> int:
    """Write the file to standard output after it is complete and checked."""
    from tempfile import TemporaryDirectory

    if sys.stdout is None or sys.stdout.isatty():
        reason = "standard output is closed or a terminal; name a file, or pipe it into a program"
        raise SettingsError("-o -", reason)
    with TemporaryDirectory(prefix="authshim-") as folder:
        target = os.path.join(folder, "standard output")
        _get(found, target, options)
        with open(target, "rb") as file, terminal.output():
            shutil.copyfileobj(file, sys.stdout.buffer)
    return 0
