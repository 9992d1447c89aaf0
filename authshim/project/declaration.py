"""The place of a declared URL, and the options of its tool that go with it."""

from __future__ import annotations

from typing import NamedTuple

NOT_VERIFIED = "not verified"
"""The tool verifies no certificate at an index."""


class Declaration(NamedTuple):
    """The place of a declared URL, and the options of its tool that go with it."""

    place: str = ""
    """``FILE:LINE`` or a variable of the environment. Empty if no place is known."""
    name: str = ""
    """The name of a uv index, or of a source of poetry or pdm."""
    authenticate: str = "auto"
    """uv's policy. "never" sends nothing, and "always" looks for a login before the request."""
    login_in: str = ""
    """The file or variable that has the username and password. Empty if the URL has them."""
    services: tuple[str, ...] = ()
    """The names by which poetry or pdm asks a keyring, in its order."""
    certificates: str = ""
    """NOT_VERIFIED, the file of the CAs that the tool trusts here, or an empty string."""
    ignored_codes: tuple[int, ...] = ()
    """The HTTP statuses at which uv goes on to the next index."""
