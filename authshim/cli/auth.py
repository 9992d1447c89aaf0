"""``authshim auth``: its parsers; each action has a file of its own."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from authshim.cli import token
from authshim.cli.parser import add_action
from authshim.oauth.interaction import FLOWS

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


_ASK = object()
"""The value of an option that was given without one."""


class _Secret(argparse.Action):
    """An option that notes its place among the others: each ``-`` reads the next line."""

    def __call__(
        self,
        parser: ArgumentParser,  # noqa: ARG002 - argparse passes it
        namespace: Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, values)
        namespace.s3_secrets = [*(namespace.s3_secrets or ()), option]


def add_parser(commands: Any, loudness: ArgumentParser) -> None:
    """Add the commands to the command line."""
    group = commands.add_parser(
        "auth",
        parents=[loudness],
        help="log in and out, see your logins",
        description="Log in and out, on the store that pixi uses too.",
    )
    group.set_defaults(
        missing="name a command: login, logout, status or token (authshim auth -h says more)"
    )
    actions = group.add_subparsers(
        title="commands",
        metavar="COMMAND",
        prog="authshim auth",
    )
    _add_login(actions, loudness)
    _add_logout(actions, loudness)
    _add_status(actions, loudness)
    _add_token(actions, loudness)


def _add_logout(actions: Any, loudness: ArgumentParser) -> None:
    logout = add_action(
        actions,
        loudness,
        "logout",
        "forget the credentials of a host",
        "Remove the credentials of a host from every store of pixi and authshim, and end an OAuth "
        "login at its server. A netrc is left alone.",
        _run_logout,
    )
    logout.add_argument(
        "host",
        metavar="HOST",
        nargs="?",
        help="as it was given to login",
    )
    logout.add_argument("--all", action="store_true", help="forget the credentials of every host")


def _add_status(actions: Any, loudness: ArgumentParser) -> None:
    listing = add_action(
        actions,
        loudness,
        "status",
        "list the credentials, without a secret",
        "List the credentials, their stores, and which entry shadows which, without a secret.",
        _run_status,
    )
    listing.add_argument(
        "host", metavar="HOST", nargs="?", help="only those that answer for this host"
    )
    listing.add_argument("--json", action="store_true", help="print JSON")


def _add_token(actions: Any, loudness: ArgumentParser) -> None:
    parser = add_action(
        actions,
        loudness,
        "token",
        "print the token for a host, or a header line",
        "Print the token that is sent to a host, for another program. A password is no token. "
        "With --header, print the whole header line of a token or a password.",
        token.run,
    )
    parser.add_argument("host", metavar="HOST", help="a host or a URL")
    parser.add_argument(
        "--header", action="store_true", help="print the line Authorization: ..., as curl reads it"
    )
    parser.set_defaults(silent=True)


def _add_login(actions: Any, loudness: ArgumentParser) -> None:
    login = add_action(
        actions,
        loudness,
        "login",
        "store a credential for a host",
        "Store a credential for pixi and authshim. A secret that is left out is asked for; "
        "- reads it from standard input, so that it is in no shell's history.",
        _run_login,
    )
    login.add_argument(
        "host", metavar="HOST", help="the host to authenticate with (e.g. repo.prefix.dev)"
    )
    optional: dict[str, Any] = {"nargs": "?", "const": _ASK}
    login.add_argument(
        "--token", help="the token to use (for authentication with prefix.dev)", **optional
    )
    login.add_argument("--username", help="the username to use (for basic HTTP authentication)")
    login.add_argument(
        "--password", help="the password to use (for basic HTTP authentication)", **optional
    )
    login.add_argument(
        "--conda-token", help="the token to use on anaconda.org / quetz authentication", **optional
    )
    _add_oauth(login, optional)
    _add_s3(login, optional)


def _add_s3(
    login: ArgumentParser,
    optional: dict[str, Any],
) -> None:
    """Add the options of a login at a bucket, by pixi's names."""
    add = login.add_argument
    add("--s3-access-key-id", metavar="ID", help="the S3 key to use (for s3://BUCKET)")
    secret: dict[str, Any] = {"metavar": "SECRET", "action": _Secret, **optional}
    add("--s3-secret-access-key", help="the secret of the S3 key", **secret)
    add("--s3-session-token", help="the session token of a temporary S3 key", **secret)
    login.set_defaults(s3_secrets=None)


def _add_oauth(
    login: ArgumentParser,
    optional: dict[str, Any],
) -> None:
    """Add the options of an OAuth login, by pixi's names."""
    add = login.add_argument
    is_default = "the default at prefix.dev"
    add("--oauth", action="store_true", help=f"log in by OAuth in a browser ({is_default})")
    add("--oauth-issuer-url", metavar="URL", help="the OIDC issuer (default: https://HOST)")
    add("--oauth-client-id", metavar="ID", help="the OAuth client (default: rattler)")
    add(
        "--oauth-client-secret",
        metavar="SECRET",
        help="of a confidential client",
        **optional,
    )
    add("--oauth-flow", choices=FLOWS, help="the way to log in (default: device-code)")
    replaces = "repeatable; replaces the default ones"
    add(
        "--oauth-scope",
        metavar="SCOPE",
        action="append",
        help=replaces,
    )
    registered = "http://127.0.0.1:PORT/PATH, as registered"
    add("--oauth-redirect-uri", metavar="URI", help=registered)


def _run_status(options: Namespace) -> int:
    from authshim.cli import status

    return status.run(options)


def _run_logout(options: Namespace) -> int:
    from authshim.cli import logout

    return logout.run(options)


def _run_login(options: Namespace) -> int:
    from authshim.cli import login

    return login.run(options)
