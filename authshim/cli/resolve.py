"""``authshim resolve [NAME ...]``: which index each package of the project would come from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim import next_step
from authshim.cli import project
from authshim.cli.resolve_json import ignored_options, print_json
from authshim.cli.terminal import is_watched, say, with_tilde
from authshim.redact import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

    from authshim.index.answer import Answer
    from authshim.project.manifest import Manifest
    from authshim.resolve.candidates import Candidate
    from authshim.resolve.rules import Resolution
    from authshim.resolve.survey import Progressed


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "resolve",
        parents=parents,
        help="say which index each package would come from",
        description="Ask every index of the project for the PyPI packages that it wants, and say "
        "which one serves each, in which version and file. "
        "The dependencies of the packages are not looked at.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="packages, such as torch or 'torch>=2' (the project's without)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print some lines for each package, or one JSON document."""
    from authshim.resolve.query import queries
    from authshim.resolve.survey import Survey

    manifest = project.require_manifest(options)
    asked = queries(manifest, options.environment, options.names)
    chain = project.make_chain(options, manifest)
    survey = Survey(chain, asked, project.mirrors_of(options, manifest))
    try:
        with _progress() as tell:
            survey.run(tell)
    except KeyboardInterrupt:
        _print(options, manifest, survey.results("interrupted"))
        raise
    found = survey.results()
    _print(options, manifest, found)
    if not all(each.fine for each in found):
        return 1
    return 0


def _print(
    options: Namespace,
    manifest: Manifest,
    found: Sequence[Resolution],
) -> None:
    if options.json:
        print_json(manifest, found)
        return
    _print_lines(manifest, found)
    if not options.names:
        _print_empty(found)


@contextmanager
def _progress() -> Iterator[Progressed | None]:
    """Show on a terminal how many pages have come, and the hosts that have more."""
    if not is_watched():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking the indexes", total=None)

        def show(
            done: int,
            total: int,
            hosts: Sequence[str],
        ) -> None:
            sentence = "asked the indexes"
            if hosts:
                waiting = printable(f"waiting for {', '.join(hosts)}")
                sentence = escape(waiting)
            bar.update(
                task,
                description=sentence,
                completed=done,
                total=total,
            )

        yield show


def _print_lines(manifest: Manifest, found: Sequence[Resolution]) -> None:
    project.print_heading(manifest)
    if not found:
        say("the project wants no package from an index")
    widths = [len(_wanted(each)) for each in found]
    width = max(widths, default=0)
    groups: dict[str, list[Resolution]] = {}
    for each in found:
        group = groups.setdefault(_heading(manifest, each), [])
        group.append(each)
    for heading, group in groups.items():
        say(heading)
        for each in group:
            _print_result(each, width)
    _print_silent(found)


def _print_result(each: Resolution, width: int) -> None:
    """Print the lines of a package behind its name, which takes a column."""
    first, *others = _lines(each)
    say(f"  {_wanted(each):{width}}  {with_tilde(first)}")
    for line in others:
        say(f"  {'':{width}}  {with_tilde(line)}")


def _heading(manifest: Manifest, each: Resolution) -> str:
    """Return the environments and the machine that a result is for."""
    parts = []
    if len(each.environments) < len(manifest.environments):
        parts.append(", ".join(each.environments))
    target = each.dependency.target
    if target:
        platform = f"{target.platform} ({target.platform_from}'s)"
        parts.append(f"for {platform} and Python {target.python} ({target.python_from}'s)")
    ignored = ignored_options(manifest, each.environments)
    if ignored:
        parts.append(f"not looked at: {', '.join(ignored)}")
    return "; ".join(parts)


def _wanted(each: Resolution) -> str:
    """Return the requirement of a package, as a person would write it."""
    dependency = each.dependency
    name = dependency.name
    if dependency.extras:
        name += f"[{','.join(dependency.extras)}]"
    return f"{name}{dependency.specifier}"


def _lines(each: Resolution) -> Iterator[str]:
    if each.dependency.origin:
        yield f"not from an index: {each.dependency.origin}"
    elif each.taken is None:
        yield f"none: {each.problem}"
    else:
        yield from _taken_lines(each, each.taken)
    for doubt in each.doubts:
        yield f"doubtful: {doubt}"
    for warning in each.warnings:
        yield f"warning: {warning}"


def _taken_lines(each: Resolution, taken: Candidate) -> Iterator[str]:
    """Describe the file that was chosen."""
    version = str(taken.version)
    if each.doubts:
        version += " (doubtful)"
    yield f"{version}  {taken.place.shown}"
    digests = [":".join(pair) for pair in taken.file.hashes]
    if not digests:
        digests = ["without a hash"]
    yield "  ".join([taken.file.filename, *digests])
    yield from _servers(each)


def _servers(each: Resolution) -> Iterator[str]:
    """Name the servers that answered in place of the index that serves a package."""
    for page in _pages_taken(each):
        if page.mirror_note:
            yield page.mirror_note
        if page.forwarded_to:
            yield f"served by {page.forwarded_to}, to which the index redirects"


def _pages_taken(each: Resolution) -> list[Answer]:
    """Return the pages of the index that serves a package."""
    taken = each.taken
    if taken is None:
        return []
    return [page for page in each.asked if page.place == taken.place]


def _print_silent(found: Sequence[Resolution]) -> None:
    """Print each index that did not answer, once for each next step."""
    pages = {}
    for each in found:
        for page in each.asked:
            if not page.has_answer:
                pages[page.place, page.next_step] = page
    for page in pages.values():
        say(with_tilde(f"{page.place.shown}  {page.answer}{_reason(page)}"))
        if page.next_step:
            say(with_tilde(f"  -> {page.next_step}"))


def _reason(page: Answer) -> str:
    """Return the reason of an answer in parentheses, or an empty string."""
    from authshim.index.answer import with_status

    reasons = with_status(page.status, page.detail, page.mirror_note)
    if not reasons:
        return ""
    return f" ({reasons})"


def _print_empty(found: Sequence[Resolution]) -> None:
    """Name the indexes that have none of the project's packages.

    CodeArtifact answers so if the user may not read them.
    """
    from authshim.resolve.confusion import PYPI

    answers: dict[str, set[str]] = {}
    for each in found:
        for page in each.asked:
            if page.host not in PYPI:
                kinds = answers.setdefault(page.place.shown, set())
                kinds.add(page.answer)
    for place, kinds in answers.items():
        if kinds == {"not there"}:
            why = "an index whose URL is wrong, or that hides them from its user, says the same"
            say(f"{place}  has none of these; {why}")
            say(f"  -> {next_step.CHECK()}")
