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
        "--username", metavar="USER", help="whose credential, where the URL does not say"
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
    """Print the trace, and what to do where there is no credential."""
    manifest = project.find_manifest_here(options)
    if manifest is not None:
        project.print_heading(manifest)
    chain = project.make_chain(options, manifest)
    found = _mirrors_of(options, manifest)
    if found is None:
        _print_mirrors_below(options, manifest)
        trace = _explain(options, chain, options.url, options.username)
        _print_tool_note(manifest, options.url, trace)
        return 0 if trace.found else 1
    if not found.urls:
        terminal.say(terminal.with_tilde(found.empty_note))
    traces = [_explain_mirror(options, chain, found, at) for at in range(len(found.urls))]
    return 0 if any(trace.found for trace in traces) else 1


def _print_tool_note(manifest: Manifest | None, url: str, trace: Trace) -> None:
    """Note if the tool of the project itself would not send the credential."""
    from authshim.index.tool_notes import covering, tool_note

    index = None
    if manifest is not None and manifest.pixi_folder is None:
        index = covering(manifest, url)
    if manifest is None or index is None:
        return
    note = tool_note(manifest, index, trace.found, is_refused=trace.found is None)
    if note:
        terminal.say(terminal.with_tilde(f"  note: {note}"))


def _explain_mirror(options: Namespace, chain: Chain, found: Mirrored, at: int) -> Trace:
    """Print the trace of a mirror, to which no userinfo of the original URL goes."""
    order = "if that fails, " if at else ""
    terminal.say(terminal.with_tilde(order + found.note(at)))
    return _explain(options, chain, found.urls[at], None)


def _explain(options: Namespace, chain: Chain, url: str, username: str | None) -> Trace:
    trace = chain.explain(url, username, named_by=_named_by(options.named_by, url))
    terminal.say_rows([terminal.with_tilde(line) for line in _with_short_names(trace).lines])
    has_reason = bool(trace.steps or trace.withheld) and not trace.asks_later
    if trace.found is None and has_reason:
        _print_next_step(url, username, trace, chain)
    return trace


def _mirrors_of(options: Namespace, manifest: Manifest | None) -> Mirrored | None:
    from authshim.index.mirrors import mirrored
    from authshim.urls import without_userinfo

    return mirrored(without_userinfo(options.url), project.mirrors_of(options, manifest))


def _print_mirrors_below(options: Namespace, manifest: Manifest | None) -> None:
    """Name the mirrors of parts of a URL, such as one platform of a channel."""
    from authshim.redact import redact
    from authshim.urls import without_userinfo

    root = without_userinfo(options.url).rstrip("/")
    for mirror in project.mirrors_of(options, manifest):
        if mirror.prefix.startswith(f"{root}/") and mirror.prefix.rstrip("/") != root:
            line = f"pixi asks a mirror for {redact(mirror.prefix)} (see {mirror.file})"
            terminal.say(terminal.with_tilde(line))


def _named_by(urls: Sequence[str], url: str) -> NamedBy:
    """Return who named a URL to which others led, one after another.

    :raises UrlError: one of them cannot be dialled.
    """
    from authshim.lookup.naming import CALLER, follow, named_by
    from authshim.urls import parse
    from authshim.urls.url import is_s3

    way: Trail = ()
    for each in urls:
        if not is_s3(each):
            parse(each)
        way = follow(way, each)
    return named_by(way, url) if way else CALLER


def _with_short_names(trace: Trace) -> Trace:
    """Shorten the providers' names before they are put into columns."""
    return trace._replace(
        steps=tuple(
            step._replace(provider=terminal.with_tilde(step.provider)) for step in trace.steps
        )
    )


def _print_next_step(url: str, username: str | None, trace: Trace, chain: Chain) -> None:
    from authshim import advice

    if trace.next_step:
        step = trace.next_step
    elif trace.withheld:
        step = advice.allow_http(url)
    else:
        step = advice.log_in_at(url, username, asks_keyring=chain.asks_keyring, chain=chain)
    terminal.say(terminal.with_tilde(f"  -> {step}"))
