"""``authshim resolve [NAME ...]``: which index each package of the project would come from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from authshim import next_step
from authshim.cli import project
from authshim.cli.terminal import is_watched, say, with_tilde, write
from authshim.redact import printable, redact

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Sequence

    from authshim.index.answer import Answer
    from authshim.project.manifest import Manifest
    from authshim.project.target import Target
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
    return 0 if all(each.fine for each in found) else 1


def _print(options: Namespace, manifest: Manifest, found: Sequence[Resolution]) -> None:
    if options.json:
        _print_json(manifest, found)
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

        def show(done: int, total: int, hosts: Sequence[str]) -> None:
            waiting = printable(f"waiting for {', '.join(hosts)}")
            sentence = escape(waiting) if hosts else "asked the indexes"
            bar.update(task, description=sentence, completed=done, total=total)

        yield show


def _print_lines(manifest: Manifest, found: Sequence[Resolution]) -> None:
    project.print_heading(manifest)
    if not found:
        say("the project wants no package from an index")
    width = max((len(_wanted(each)) for each in found), default=0)
    groups: dict[str, list[Resolution]] = {}
    for each in found:
        groups.setdefault(_heading(manifest, each), []).append(each)
    for heading, group in groups.items():
        say(heading)
        for each in group:
            first, *others = _lines(each)
            say(f"  {_wanted(each):{width}}  {with_tilde(first)}")
            for line in others:
                say(f"  {'':{width}}  {with_tilde(line)}")
    _print_silent(found)


def _heading(manifest: Manifest, each: Resolution) -> str:
    """Return the environments and the machine that a result is for."""
    parts = []
    if len(each.environments) < len(manifest.environments):
        parts.append(", ".join(each.environments))
    target = each.dependency.target
    if target:
        platform = f"{target.platform} ({target.platform_from}'s)"
        parts.append(f"for {platform} and Python {target.python} ({target.python_from}'s)")
    ignored = _ignored(manifest, each.environments)
    if ignored:
        parts.append(f"not looked at: {', '.join(ignored)}")
    return "; ".join(parts)


def _ignored(manifest: Manifest, environments: Iterable[str]) -> list[str]:
    """Return the options of environments that are not looked at, each once."""
    keys = (key for name in environments for key in manifest.ignored_options(name))
    return list(dict.fromkeys(keys))


def _wanted(each: Resolution) -> str:
    dependency = each.dependency
    extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
    return f"{dependency.name}{extras}{dependency.specifier}"


def _lines(each: Resolution) -> Iterator[str]:
    if each.dependency.origin:
        yield f"not from an index: {each.dependency.origin}"
    elif each.taken is None:
        yield f"none: {each.problem}"
    else:
        yield from _taken_lines(each, each.taken)
    yield from (f"doubtful: {doubt}" for doubt in each.doubts)
    yield from (f"warning: {warning}" for warning in each.warnings)


def _taken_lines(each: Resolution, taken: Candidate) -> Iterator[str]:
    """Describe the file that was chosen."""
    mark = " (doubtful)" if each.doubts else ""
    yield f"{taken.version}{mark}  {taken.place.shown}"
    digests = [":".join(pair) for pair in taken.file.hashes]
    yield "  ".join([taken.file.filename, *(digests or ["without a hash"])])
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
    return [page for page in each.asked if taken is not None and page.place == taken.place]


def _print_silent(found: Sequence[Resolution]) -> None:
    """Print each index that did not answer, once for each next step."""
    pages = [page for each in found for page in each.asked if not page.has_answer]
    for page in {(page.place, page.next_step): page for page in pages}.values():
        say(with_tilde(f"{page.place.shown}  {page.answer}{_reason(page)}"))
        if page.next_step:
            say(with_tilde(f"  -> {page.next_step}"))


def _reason(page: Answer) -> str:
    """Return the reason of an answer in parentheses, or an empty string."""
    from authshim.index.answer import with_status

    reasons = with_status(page.status, page.detail, page.mirror_note)
    return f" ({reasons})" if reasons else ""


def _print_empty(found: Sequence[Resolution]) -> None:
    """Name the indexes that have none of the project's packages.

    CodeArtifact answers so if the user may not read them.
    """
    from authshim.resolve.confusion import PYPI

    answers: dict[str, set[str]] = {}
    for each in found:
        for page in each.asked:
            if page.host not in PYPI:
                answers.setdefault(page.place.shown, set()).add(page.answer)
    for place, kinds in answers.items():
        if kinds == {"not there"}:
            why = "an index whose URL is wrong, or that hides them from its user, says the same"
            say(f"{place}  has none of these; {why}")
            say(f"  -> {next_step.CHECK()}")


def _print_json(manifest: Manifest, found: Sequence[Resolution]) -> None:
    import json

    names = dict.fromkeys(name for each in found for name in each.environments)
    document = {
        "version": 1,
        **project.manifest_json(manifest),
        "fine": all(each.fine for each in found),
        "unread": _ignored(manifest, names),
        "results": [_entry(each) for each in found],
    }
    write(json.dumps(document, indent=2))


def _entry(each: Resolution) -> dict[str, Any]:
    dependency = each.dependency
    return {
        "name": dependency.name,
        "specifier": dependency.specifier,
        "extras": list(dependency.extras),
        "environments": list(each.environments),
        "platforms": list(dependency.platforms),
        **_target_json(dependency.target),
        "origin": dependency.origin or "index",
        "fine": each.fine,
        **_taken_json(each.taken),
        "problem": each.problem,
        "doubts": list(each.doubts),
        "warnings": list(each.warnings),
        "asked": [_asked(page) for page in each.asked],
    }


def _target_json(target: Target | None) -> dict[str, Any]:
    if target is None:
        return dict.fromkeys(("platform", "platform_from", "python", "python_from"))
    return {
        "platform": target.platform,
        "platform_from": target.platform_from,
        "python": target.python,
        "python_from": target.python_from,
    }


def _taken_json(taken: Candidate | None) -> dict[str, Any]:
    if taken is None:
        return {**dict.fromkeys(("index", "version", "filename", "url")), "hashes": {}}
    return {
        "index": taken.place.shown,
        "version": str(taken.version),
        "filename": taken.file.filename,
        "url": redact(taken.file.url),
        "hashes": dict(taken.file.hashes),
    }


def _asked(page: Answer) -> dict[str, Any]:
    return {
        "index": page.place.shown,
        "host": page.host or None,
        "files": len(page.files),
        **project.answer_json(page),
    }
