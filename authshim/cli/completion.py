"""``authshim completion SHELL``: print a script for the completion of a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.cli import terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


_NOTHING = {"zsh": "true"}
"""The command that offers nothing. Without one zsh shows a message, and then inserts no option."""


def add_parser(commands: Any, parents: list[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "completion",
        parents=parents,
        help="print a completion script for your shell",
        description="Print a script that completes authshim's commands and options. "
        "bash: write it to ~/.local/share/bash-completion/completions/authshim; "
        "zsh: to _authshim in a folder of $fpath; "
        "fish: to ~/.config/fish/completions/authshim.fish.",
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the script."""
    import shtab

    _complete_values(options.whole, shtab.FILE)
    terminal.write(shtab.complete(options.whole, shell=options.shell))
    return 0


def _complete_values(parser: ArgumentParser, files: Any) -> None:
    """Let shtab offer files for every option that takes one, and nothing for other arguments."""
    for action in parser._actions:
        if action.metavar in ("FILE", "PATH"):
            action.complete = files  # type: ignore[attr-defined]
        elif not action.option_strings and not action.choices:
            action.complete = _NOTHING  # type: ignore[attr-defined]
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                _complete_values(below, files)
