"""The files in which a user keeps logins: that of ``pixi auth login``, and netrc."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.recording import Secret


def auth_file(entries: Mapping[str, Secret | Mapping[str, object]]) -> Path:
    """Store what there is for each key: a secret, or an entry as rattler writes it."""
    path = Path.home() / ".rattler" / "credentials.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(
        json.dumps({key: getattr(entry, "stored", entry) for key, entry in entries.items()})
    )
    return path


def netrc(logins: Mapping[str, Secret]) -> None:
    """Write a login for each machine, without a name where the secret has none."""
    lines = (
        f"machine {host} {f'login {secret.username} ' if secret.username else ''}"
        f"password {secret.value}\n"
        for host, secret in logins.items()
    )
    Path.home().joinpath(".netrc").write_text("".join(lines))
