"""One file per program that is not ``requests``.

Each carries a question to the chain, and an answer back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKING = "AUTHSHIM_ASKING"
"""The variable of a keyring command that authshim started, after it asked its own stores."""

SWITCH = "AUTHSHIM_KEYRING_BACKEND"
"""The variable that switches the keyring backend off."""

SCRIPT = "authshim_keyring.py"
"""The file that marks the folder of a look-alike of ``keyring``, and that its program runs."""


def backend_is_on(environ: Mapping[str, str]) -> bool:
    """Return False if ``AUTHSHIM_KEYRING_BACKEND`` is ``off``."""
    return environ.get(SWITCH, "").lower() != "off"
