"""Tell whether the programs of this environment that use keyring ask authshim's backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.integrations import SWITCH, backend_is_on
from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

_ASKING_OURS = frozenset(
    {
        "authshim.integrations.keyring_backend.Keyring",
        "keyring.backends.chainer.ChainerBackend",
    }
)
"""The backends that lead to ours."""


def why_backend_is_off(environ: Mapping[str, str]) -> str:
    """Return why keyring does not ask the backend, or an empty string if it does."""
    if not backend_is_on(environ):
        return f"{SWITCH} is off"
    place = "PYTHON_KEYRING_BACKEND"
    named = environ.get(place)
    if named is None:
        place, named = _configured()
    if named is None or named in _ASKING_OURS:
        return ""
    return f"{place} names {shorten(named)}"


def switch_on(environ: Mapping[str, str]) -> str:
    """Return the line that switches a backend on that is off."""
    if not backend_is_on(environ):
        return f"unset {SWITCH}"
    if "PYTHON_KEYRING_BACKEND" in environ:
        return "unset PYTHON_KEYRING_BACKEND"
    path, _ = _configured()
    return f"remove default-keyring from {path}"


def backend_line(why_off: str) -> str:
    """Return the line that tells people of the backend."""
    if why_off:
        return f"keyring backend: off ({why_off})"
    return "keyring backend: on, for the programs that import keyring beside authshim"


def _configured() -> tuple[str, str | None]:
    """Return keyring's configuration file and the backend that it names."""
    from configparser import Error, RawConfigParser

    from keyring.util.platform_ import config_root

    path = f"{config_root()}/keyringrc.cfg"
    config = RawConfigParser()
    try:
        config.read(path, encoding="utf-8")
        return path, config.get("backend", "default-keyring", fallback=None)
    except (Error, OSError, UnicodeError):
        return path, None
