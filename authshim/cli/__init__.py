"""The command line, the only part of authshim that prints.

Exit codes: 0 for success, 1 for a failure, 2 for a wrong command line, 130 for Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal, token
from authshim.errors import AuthshimError, DownloadError, SettingsError, UrlError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if arguments is None:
        arguments = sys.argv[1:]
        if _is_look_alike(sys.argv[0]):
            from authshim.integrations import keyring_command

            return keyring_command.main(arguments)
    terminal.set_up()
    try:
        return _main(arguments)
    finally:
        terminal.settle()


def _is_look_alike(program: str) -> bool:
    """Return True for the copy of this program that ``authshim run`` makes on Windows."""
    name, extension = os.path.splitext(os.path.basename(program))
    return name == "keyring" and extension in ("", ".exe")


def _main(arguments: Sequence[str]) -> int:
    plain = token.plain_options(arguments)
    if plain is not None:
        return _run(plain)
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if options.version:
        options.run = _print_version
    if unknown or options.run is None:
        return _refuse(options, arguments, unknown)
    if not options.silent:
        terminal.set_up_logging(options)
    return _run(options)


def _refuse(
    options: argparse.Namespace,
    arguments: Sequence[str],
    unknown: Sequence[str],
) -> int:
    """Print the usage of the command and the mistake in the command line."""
    reason = options.missing
    if unknown:
        from authshim.cli import mistyped

        reason = mistyped.unknown(options.parser, arguments, unknown)
    options.parser.print_usage(sys.stderr)
    terminal.note(f"authshim: error: {reason}")
    return 2


def _run(options: Any) -> int:
    try:
        code: int = options.run(options)
        terminal.flush()
    except (SettingsError, UrlError) as error:
        return _fail(error, 2)
    except AuthshimError as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return 130
    except terminal.OutputError as error:
        if not str(error):
            return 1
        return _fail(f"standard output: {error}", 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.filename:
            reason = f"{error.filename}: {reason}"
        return _fail(reason, 1)
    return code


def _parser() -> argparse.ArgumentParser:
    import argparse

    from authshim.cli.parser import Parser

    loudness = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    loudness.add_argument("-v", "--verbose", action="count", help="say more; -vv says all")
    loudness.add_argument("-q", "--quiet", action="count", help="say less: no warnings")
    parser = Parser(
        prog="authshim",
        description="Find the credentials that you already keep, "
        "for private package indexes and channels.",
        parents=[loudness],
    )
    parser.add_argument("--version", action="store_true", help="say which version this is")
    missing = (
        "name a command: auth, check, completion, demo, doctor, explain, get, resolve or run "
        "(authshim -h says more)"
    )
    parser.set_defaults(
        run=None,
        missing=missing,
        silent=False,
        whole=parser,
    )
    # Without prog, argparse computes it, which is slow.
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        prog="authshim",
    )
    _add_commands(commands, loudness)
    return parser


def _add_commands(commands: Any, loudness: argparse.ArgumentParser) -> None:
    from authshim.cli import auth, check, completion, demo, doctor, explain, get, resolve, run

    reading = [loudness, _reading_options()]
    auth.add_parser(commands, loudness)
    check.add_parser(commands, reading)
    explain.add_parser(commands, reading)
    get.add_parser(commands, reading)
    resolve.add_parser(commands, reading)
    run.add_parser(commands, reading)
    demo.add_parser(commands, [loudness])
    doctor.add_parser(commands, [loudness])
    completion.add_parser(commands, [loudness])


def _reading_options() -> argparse.ArgumentParser:
    """Return the options of every command that reads credentials, by pixi's names."""
    from authshim.cli.parser import Parser

    options = Parser(add_help=False)
    options.add_argument(
        "--auth-file", metavar="FILE", help="read this auth file, and nothing else"
    )
    options.add_argument(
        "--pypi-keyring-provider",
        choices=["subprocess", "disabled"],
        help="disabled switches the keyring command off, which is asked if a username is known",
    )
    options.add_argument(
        "--manifest-path",
        metavar="PATH",
        help="a project's file or its folder (searched for upwards)",
    )
    options.add_argument(
        "--tool",
        choices=["pixi", "uv", "poetry", "pdm", "pip"],
        help="whose project it is (the first that declares indexes without)",
    )
    options.add_argument(
        "-e", "--environment", metavar="NAME", help="one pixi environment (all of them without)"
    )
    return options


def _print_version(_options: argparse.Namespace) -> int:
    from importlib.metadata import version

    terminal.say(f"authshim {version('authshim')}")
    return 0


def _fail(error: Exception | str, code: int) -> int:
    terminal.note(terminal.with_tilde(f"authshim: error: {error}"))
    if isinstance(error, DownloadError):
        terminal.note(terminal.with_tilde(f"  -> {error.next_step}"))
    return code
