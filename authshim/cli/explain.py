"""``authshim explain URL``: what each provider says of a URL, and what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.cli import project, terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from authshim.index.mirrors import Mirrored
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy, Trail
    from authshim.lookup.trace import Trace
    from authshim.project.manifest import Manifest


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "explain",
        parents=parents,
        help="say what each provider has for a URL",
        description="Ask every provider for a URL's credential, and print each answer without a "
        "secret. The exit code is 1 if there is no credential.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "--username", metavar="USER", help="whose credential, if the URL does not say"
    )
    parser.add_argument(
        "--named-by",
        metavar="URL",
        action="append",
        default=[],
        help="the page or redirect that named URL, if one did; the first one first",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the trace, and the next step if there is no credential."""
    manifest = project.find_manifest_here(options)
    if manifest is not None:
        project.print_heading(manifest)
    chain = project.make_chain(options, manifest)
    found = _mirrors_of(options, manifest)
    if found is None:
        _print_mirrors_below(options, manifest)
        trace = _explain(
            options,
            chain,
            options.url,
            options.username,
            manifest,
        )
        _print_tool_note(manifest, options.url, trace)
        return _exit_code([trace])
    if not found.urls:
        terminal.say(terminal.with_tilde(found.empty_note))
    traces = []
    for at in range(len(found.urls)):
        trace = _explain_mirror(options, chain, found, at)
        traces.append(trace)
    return _exit_code(traces)


def _exit_code(traces: Sequence[Trace]) -> int:
    if any(trace.found for trace in traces):
        return 0
    return 1


def _print_tool_note(
    manifest: Manifest | None,
    url: str,
    trace: Trace,
) -> None:
    """Note if the tool of the project itself would not send the credential."""
    from authshim.index.tool_notes import covering, tool_note

    index = None
    if manifest is not None and manifest.pixi_folder is None:
        index = covering(manifest, url)
    if manifest is None or index is None:
        return
    note = tool_note(manifest, index, trace.found)
    if note:
        terminal.say(terminal.with_tilde(f"  note: {note}"))


def _explain_mirror(
    options: Namespace,
    chain: Chain,
    found: Mirrored,
    at: int,
) -> Trace:
    """Print the trace of a mirror, to which no userinfo of the original URL goes."""
    note = found.note(at)
    if at:
        note = f"if that fails, {note}"
    terminal.say(terminal.with_tilde(note))
    return _explain(options, chain, found.urls[at], None)


def _explain(
    options: Namespace,
    chain: Chain,
    url: str,
    username: str | None,
    manifest: Manifest | None = None,
) -> Trace:
    """Print the trace of a URL, and the next step if there is no credential."""
    named_by = _named_by(options.named_by, url)
    trace = chain.explain(url, username, named_by=named_by)
    lines = _with_short_names(trace).lines
    terminal.say_rows([terminal.with_tilde(line) for line in lines])
    has_reason = bool(trace.steps or trace.withheld) and not trace.asks_later
    if trace.found is None and has_reason:
        step = _next_step(url, username, trace, chain, manifest)
        terminal.say(terminal.with_tilde(f"  -> {step}"))
    return trace


def _mirrors_of(
    options: Namespace,
    manifest: Manifest | None,
) -> Mirrored | None:
    from authshim.index.mirrors import mirrored
    from authshim.urls import without_userinfo

    mirrors = project.mirrors_of(options, manifest)
    return mirrored(without_userinfo(options.url), mirrors)


def _print_mirrors_below(options: Namespace, manifest: Manifest | None) -> None:
    """Name the mirrors of parts of a URL, such as one platform of a channel."""
    from authshim.redact import redact
    from authshim.urls import without_userinfo

    root = without_userinfo(options.url).rstrip("/")
    for mirror in project.mirrors_of(options, manifest):
        prefix = mirror.prefix
        if prefix.rstrip("/") != root and prefix.startswith(f"{root}/"):
            line = f"pixi asks a mirror for {redact(prefix)} (see {mirror.file})"
            terminal.say(terminal.with_tilde(line))


def _named_by(urls: Sequence[str], url: str) -> NamedBy:
    """Return who named a URL to which others led, one after another.

    :raises UrlError: one of them cannot be dialled.
    """
    from authshim.lookup.naming import CALLER, follow, named_by
    from authshim.urls import parse
    from authshim.urls.url import is_s3

    trail: Trail = ()
    for each in urls:
        if not is_s3(each):
            parse(each)
        trail = follow(trail, each)
    if not trail:
        return CALLER
    return named_by(trail, url)


def _with_short_names(trace: Trace) -> Trace:
    """Shorten the providers' names before they are put into columns."""
    steps = []
    for step in trace.steps:
        name = terminal.with_tilde(step.provider)
        steps.append(step._replace(provider=name))
    return trace._replace(steps=tuple(steps))


def _next_step(
    url: str,
    username: str | None,
    trace: Trace,
    chain: Chain,
    manifest: Manifest | None,
) -> str:
    """Return the step that gives a credential: for an index of the project that of ``check``."""
    from authshim import advice
    from authshim.index import refusal
    from authshim.index.tool_notes import covering
    from authshim.urls import parse

    if trace.next_step:
        return trace.next_step
    if trace.withheld:
        return advice.allow_http(url)
    user = username or parse(url).username
    index = None
    if manifest is not None:
        index = covering(manifest, url)
    if index is not None and user in (None, index.username):
        return refusal.log_in(index, chain)
    return advice.log_in_at(
        url,
        username,
        asks_keyring=chain.asks_keyring,
        chain=chain,
    )
