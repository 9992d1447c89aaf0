"""``authshim completion SHELL``: a script that completes what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "completion",
        parents=parents,
        help="print a completion script for your shell",
        description="Print a script that completes authshim's commands and options. bash: write it to "
        "~/.local/share/bash-completion/completions/authshim; zsh: to _authshim in a folder of $fpath; fish: to "
        "~/.config/fish/completions/authshim.fish.",
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the script."""
    import shtab

    print(shtab.complete(options.parser, shell=options.shell))
    return 0
