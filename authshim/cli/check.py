"""``authshim check``: probe every index and channel of the project."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentTypeError
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from authshim import next_step
from authshim.cli import project, terminal
from authshim.cli.json_output import answer_json, manifest_json
from authshim.concurrency import TimedOut
from authshim.redact import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from rich.text import Text

    from authshim.index.check import Check, Result
    from authshim.project.manifest import Manifest

LONG_WAIT_SECONDS = 3.0
"""The time after which the hosts that have not answered are named."""


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        parents=parents,
        help="probe every index and channel of the project",
        description="Probe every index and channel of the project with small requests, "
        "and print the next step for each that does not let you in.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        help="stop after this time, and report what has answered (default: 60 s a request)",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print a line for each index and channel, or one JSON document."""
    from authshim.index.check import Check

    manifest = project.require_manifest(options)
    chain = project.make_chain(options, manifest)
    mirrors = project.mirrors_of(options, manifest)
    checking = Check(chain, manifest, options.environment, mirrors)
    try:
        results = _results(checking, options.timeout)
    except KeyboardInterrupt:
        _print(
            options,
            manifest,
            checking.results("interrupted", next_step.RUN_AGAIN()),
        )
        raise
    _print(options, manifest, results)
    if not all(result.fine for result in results):
        return 1
    return 0


def _print(
    options: Namespace,
    manifest: Manifest,
    results: Sequence[Result],
) -> None:
    if options.json:
        _print_json(manifest, results)
    else:
        _print_lines(manifest, results)


def _results(
    checking: Check,
    seconds: float | None,
) -> list[Result]:
    """Return the results; a place that does not answer in time is unreachable."""
    try:
        with _progress(checking):
            checking.run(seconds)
    except TimedOut:
        step = next_step.TRY_LATER_OR_CHECK_NETWORK()
        return checking.results(f"no answer within {seconds:g} s", step)
    return checking.results()


def _seconds(text: str) -> float:
    """Return a number of seconds above 0.

    :raises ArgumentTypeError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ArgumentTypeError("expected a number of seconds above 0")
    return seconds


def _progress(checking: Check) -> AbstractContextManager[object]:
    """Show on a terminal that the command is at work, and later the hosts that it waits for."""
    if not terminal.is_watched():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(_Waiting(checking))


class _Waiting:
    """A text for ``rich`` that names the hosts that have not answered after some seconds."""

    def __init__(self, checking: Check) -> None:
        self._checking = checking
        self._started = time.monotonic()

    def __rich__(self) -> Text:
        from rich.text import Text

        if time.monotonic() - self._started < LONG_WAIT_SECONDS:
            return Text("asking the indexes and channels")
        hosts = ", ".join(self._checking.waiting())
        return Text(printable(f"waiting for {hosts}"))


def _print_lines(manifest: Manifest, results: Sequence[Result]) -> None:
    project.print_heading(manifest)
    kinds = max([len(result.kind) for result in results], default=0)
    urls = max([len(result.url) for result in results], default=0)
    for result in results:
        place = project.short_place(result.declared_in, manifest)
        reason = terminal.with_tilde(_reason(result, place))
        terminal.say(f"{result.kind:{kinds}}  {result.url:{urls}}  {result.answer}{reason}")
        if result.tool_note:
            note = terminal.with_tilde(result.tool_note)
            terminal.say(f"{'':{kinds}}  note: {note}")
        if result.next_step:
            step = terminal.with_tilde(result.next_step)
            terminal.say(f"{'':{kinds}}  -> {step}")


def _reason(result: Result, place: str) -> str:
    """Return the reasons of an answer in parentheses, or an empty string."""
    from authshim.index.answer import full_reason

    status = result.status
    if result.fine:
        status = None
    found = result.found
    has_own_login = found is not None and found.provider == result.declared_in
    if found is not None and has_own_login:
        found = found._replace(provider=place)
    parts = [
        full_reason(
            found,
            status,
            result.detail,
        ),
        result.api,
    ]
    if result.seconds is not None:
        parts.append(f"{result.seconds:.2f} s")
    if not has_own_login:
        parts.append(place)
    reasons = "; ".join(filter(None, parts))
    if not reasons:
        return ""
    return f" ({reasons})"


def _print_json(manifest: Manifest, results: Iterable[Result]) -> None:
    import json

    entries = [_entry(result) for result in results]
    document = {
        "version": 1,
        **manifest_json(manifest),
        "fine": all(entry["fine"] for entry in entries),
        "results": entries,
    }
    terminal.write(json.dumps(document, indent=2))


def _entry(result: Result) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "url": result.url,
        "fine": result.fine,
        "declared_in": result.declared_in,
        "tool_note": result.tool_note,
        **answer_json(result),
    }
