"""The part of a login that a user sees; the command line implements it."""

from __future__ import annotations

from typing import Protocol

AUTO, DEVICE_CODE, AUTH_CODE = "auto", "device-code", "auth-code"
FLOWS = (AUTO, DEVICE_CODE, AUTH_CODE)
"""The flows, by pixi's names; rattler's code takes the device code by default."""


class Interaction(Protocol):
    """A way to show URLs and codes to the user who logs in."""

    def show_code(
        self,
        url: str,
        user_code: str,
        complete_url: str,
    ) -> None:
        """Show where to confirm a code; ``complete_url`` holds it, or is empty."""

    def show_page(self, url: str) -> None:
        """Show the URL that the browser was started with."""

    def open_browser(self, url: str) -> bool:
        """Open a URL in a browser; return False if none can be started."""

    def tick(self, seconds: float) -> None:
        """Show how many seconds are left; called at least once a second during a wait."""
