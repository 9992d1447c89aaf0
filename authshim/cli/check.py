"""``authshim check``: whether each index and channel of the project lets its user in, and why not."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from authshim.cli import project, terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from authshim.index.check import Result


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        parents=parents,
        help="probe every index and channel of the project",
        description="Probe every index and channel of the project with small requests, "
        "and say what to do where one does not let you in.",
    )
    parser.add_argument(
        "--json", action="store_true", help="for programs; README.rst names the keys"
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print a line for each index and channel, or one JSON document."""
    from authshim.index.check import check

    manifest = project.require_manifest(options)
    chain = project.make_chain(options, manifest)
    with _progress():
        mirrors = project.read_settings(options, manifest).mirrors
        results = check(chain, manifest, options.environment, mirrors)
    if options.json:
        _print_json(manifest.path, results)
    else:
        _print_lines(results)
    return 0 if all(result.fine for result in results) else 1


def _progress() -> AbstractContextManager[object]:
    """Show that something is going on, where somebody looks on and waits."""
    if not terminal.is_watched():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("asking the indexes and channels")


def _print_lines(results: Sequence[Result]) -> None:
    kinds = max((len(result.kind) for result in results), default=0)
    urls = max((len(result.url) for result in results), default=0)
    for result in results:
        reason = terminal.with_tilde(_reason(result))
        terminal.say(f"{result.kind:{kinds}}  {result.url:{urls}}  {result.answer}{reason}")
        if result.next_step:
            terminal.say(f"{'':{kinds}}  -> {terminal.with_tilde(result.next_step)}")


def _reason(result: Result) -> str:
    sent = f"{result.found.credential!r} from {result.found.provider}" if result.found else ""
    said = f"HTTP {result.status}" if result.status and not result.fine else ""
    took = f"{result.seconds:.2f} s" if result.seconds is not None else ""
    reasons = "; ".join(part for part in (sent, said, result.detail, result.api, took) if part)
    return f" ({reasons})" if reasons else ""


def _print_json(path: str, results: Iterable[Result]) -> None:
    import json

    entries = [
        {
            "kind": result.kind,
            "url": result.url,
            "mirror": result.mirror or None,
            "answer": result.answer,
            "fine": result.fine,
            "status": result.status,
            **project.credential_json(result.found),
            "api": result.api or None,
            "seconds": result.seconds and round(result.seconds, 3),
            "detail": result.detail,
            "next_step": result.next_step,
        }
        for result in results
    ]
    document = {
        "version": 1,
        "manifest": path,
        "fine": all(entry["fine"] for entry in entries),
        "results": entries,
    }
    terminal.write(json.dumps(document, indent=2))
