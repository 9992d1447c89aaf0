"""``authshim get URL``: download one file with the credentials that its user keeps."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

from authshim.cli import project, terminal
from authshim.errors import SettingsError
from authshim.urls import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from authshim.download import Got
    from authshim.link import Link

    Progress = Callable[[int, "int | None"], None]
    Say = Callable[[str], None]


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "get",
        parents=parents,
        help="download one file",
        description="Download one file with the credentials that you keep. It is checked by the hash in the URL's "
        "fragment (#sha256=...), and takes its name only when it is whole. After a break it goes on where it stopped, "
        "also when the command is run again.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to (without: the last name of the URL's path, in the current folder; -: standard output, once "
        "the file is whole); a file that is there is replaced",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Download the file and say where it is."""
    from authshim import link

    found = link.read(options.url)
    if options.output == "":
        raise SettingsError("-o", "expected the name of a file")
    if options.output == "-":
        return _to_standard_output(found, options)
    target = options.output or found.filename
    try:
        got = _get(found, target, options, shown=target)
    except KeyboardInterrupt:
        if os.path.exists(f"{target}.part"):
            terminal.note(f"authshim: {target}.part keeps what has come; the same command goes on with it")
        raise
    terminal.say(_outcome(got, found, target))
    return 0


def _get(found: Link, target: str, options: Namespace, *, shown: str) -> Got:
    from authshim import download

    chain = project.make_chain_here(options)
    with _looking_on(shown, is_quiet=getattr(options, "quiet", 0) > 0) as (progress, say):
        return download.get(chain, found, target, progress=progress, say=say)


def _outcome(got: Got, found: Link, target: str) -> str:
    from authshim.download import ALREADY_THERE, REPLACED

    names = " and ".join(digest.algorithm for digest in found.digests)
    right = f"its {names} is right" if names else "its URL has no hash to check it by"
    if got.how == ALREADY_THERE:
        return f"{target} is there already, and {right}"
    replaced = ", in place of the one that was there" if got.how == REPLACED else ""
    encoded = f"; it is {got.encoding}-encoded, as the server sent it" if got.encoding and not names else ""
    return f"wrote {target} ({got.size:,} bytes; {right}{encoded}){replaced}"


def _to_standard_output(found: Link, options: Namespace) -> int:
    """Write the file to standard output, once it is whole and its hash is known to be right."""
    import shutil
    from tempfile import TemporaryDirectory

    if sys.stdout is None or sys.stdout.isatty():
        state = "closed" if sys.stdout is None else "a terminal"
        raise SettingsError("-o -", f"standard output is {state}; name a file, or pipe it into a program")
    with TemporaryDirectory(prefix="authshim-") as folder:
        target = os.path.join(folder, "file")
        _get(found, target, options, shown="standard output")
        with open(target, "rb") as file, terminal.output():
            shutil.copyfileobj(file, sys.stdout.buffer)
    return 0


@contextmanager
def _looking_on(name: str, *, is_quiet: bool) -> Iterator[tuple[Progress | None, Say]]:
    """Show on a terminal how far it has come; yield what shows it, and what tells of breaks."""
    if is_quiet:
        yield None, lambda _text: None
        return
    if not terminal.is_watched():
        yield None, lambda text: terminal.note(f"authshim: {text}")
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(name), total=None)
        yield (
            lambda length, size: bar.update(task, completed=length, total=size),
            lambda text: bar.console.print(
                printable(f"authshim: {text}"), markup=False, highlight=False, soft_wrap=True
            ),
        )
