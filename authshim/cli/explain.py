"""``authshim explain URL``: what each provider says of a URL, and what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.cli import project, terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from authshim.chain import Chain
    from authshim.trace import Trace


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "explain",
        parents=parents,
        help="say what each provider has for a URL",
        description="Ask every provider for a URL's credential, and say what each answered; no secret is shown. "
        "Exit code 1 where there is no credential.",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--username", metavar="USER", help="whose credential, where the URL does not say")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the trace, and what to do where there is no credential."""
    chain = project.make_chain_here(options)
    trace = chain.explain(options.url, options.username)
    for line in _with_short_names(trace).lines:
        terminal.say(terminal.with_tilde(line))
    if trace.found is None and trace.steps:
        _print_next_step(options.url, options.username, chain)
    return 0 if trace.found else 1


def _with_short_names(trace: Trace) -> Trace:
    """Shorten the providers' names before they are put into columns."""
    return trace._replace(
        steps=tuple(step._replace(provider=terminal.with_tilde(step.provider)) for step in trace.steps)
    )


def _print_next_step(url: str, username: str | None, chain: Chain) -> None:
    from authshim import advice

    terminal.say(f"  -> {advice.log_in_at(url, username, asks_keyring=chain.asks_keyring)}")
