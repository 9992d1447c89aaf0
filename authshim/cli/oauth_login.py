"""``authshim auth login --oauth``: a login that the user confirms in a browser."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from authshim.cli import terminal
from authshim.cli.project import environ_of, settings_of
from authshim.oauth import endpoints
from authshim.oauth.client import CLIENT_ID, Client
from authshim.oauth.identity import is_prefix_dev
from authshim.oauth.interaction import DEVICE_CODE
from authshim.oauth.login_flow import PREFIX_DEV_SCOPES, SCOPES, LoginFlow

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from authshim.login.host import LoginHost
    from authshim.oauth.login_flow import Login

logger = logging.getLogger("authshim")


def log_in(
    options: Namespace,
    target: LoginHost,
    secret: str | None,
) -> Login:
    """Return a login at an authorization server.

    :param secret: of a confidential client.
    """
    if not options.oauth:
        terminal.note("no method was named: logging in by OAuth (--token takes a token)")
    issuer = options.oauth_issuer_url or target.origin
    client = Client(options.oauth_client_id or CLIENT_ID, secret)
    with closing(Screen()) as screen:
        flow = LoginFlow(
            issuer,
            client,
            screen,
            scopes=options.oauth_scope or _scopes(target),
            flow=options.oauth_flow or DEVICE_CODE,
            redirect_uri=options.oauth_redirect_uri,
            environ=environ_of(settings_of(options), issuer),
        )
        return flow.run()


def _scopes(target: LoginHost) -> Sequence[str]:
    """Return the scopes of a login if none is named."""
    if is_prefix_dev(target.host):
        return PREFIX_DEV_SCOPES
    return SCOPES


def revoke(login: Login) -> None:
    """Revoke a login that could not be stored."""
    if reason := endpoints.revoke(login.credential):
        logger.warning("%s", reason)


def why_not_renewed(login: Login, secret: str | None) -> str:
    """Return why a login cannot be renewed, or an empty string."""
    if secret is not None:
        return "this login cannot be renewed: that takes the client secret, which is not stored"
    if login.credential.refresh_token is None:
        return "this login cannot be renewed: the server gave no refresh token"
    return ""


class Screen:
    """An ``Interaction`` on standard error, with a spinner if that is a terminal."""

    def __init__(self) -> None:
        self._spinner: Any = None

    def close(self) -> None:
        """Remove the spinner."""
        if self._spinner is not None:
            self._spinner.stop()

    def show_code(
        self,
        url: str,
        user_code: str,
        complete_url: str,
    ) -> None:
        """Show where to confirm a code."""
        terminal.note("to log in, open this page in any browser:")
        terminal.note("")
        terminal.note(f"  {complete_url or url}")
        terminal.note("")
        if complete_url:
            terminal.note(f"and confirm the code {user_code}")
        else:
            terminal.note(f"and enter the code {user_code}")

    def show_page(self, url: str) -> None:
        """Show the URL that a browser is about to open."""
        terminal.note("to log in, go on in the browser, which opens this page:")
        terminal.note("")
        terminal.note(f"  {url}")
        terminal.note("")

    def open_browser(self, url: str) -> bool:
        """Open a URL in a graphical browser, or in the one that ``BROWSER`` names."""
        if not _has_display():
            return False
        import webbrowser

        return webbrowser.open(url)

    def tick(self, seconds: float) -> None:
        """Show how many seconds are left, if standard error is a terminal."""
        if not terminal.is_watched():
            return
        minutes, seconds = divmod(int(seconds), 60)
        sentence = f"waiting for the browser, {minutes}:{seconds:02} left"
        if self._spinner is not None:
            self._spinner.update(sentence)
            return
        from rich.console import Console

        self._spinner = Console(stderr=True).status(sentence)
        self._spinner.start()


def _has_display() -> bool:
    """Return False if only a browser in the terminal could be started.

    Such a browser would take the terminal, and runs no login page.
    """
    if os.name == "nt" or sys.platform == "darwin":
        return True
    names = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return any(os.environ.get(name) for name in names)
