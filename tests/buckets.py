"""A bucket on loopback: the keys of its user, a project that declares it, and its errors."""

from __future__ import annotations

import json
from pathlib import Path

from servers import Answer

KEYS = {"access_key_id": "id", "secret_access_key": "s3cret", "session_token": "s3cret-token"}
KEPT = "auth file ~/.rattler/credentials.json"


def keep_keys(home: Path) -> None:
    """Write the auth file."""
    file = home / ".rattler" / "credentials.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"bucket": {"S3Credentials": KEYS}}))
    file.chmod(0o600)


def declare(url: str, region: str = "eu") -> None:
    """Write a project with a channel in the bucket."""
    Path("pixi.toml").write_text(
        '[workspace]\nchannels = ["s3://bucket/channel"]\nplatforms = []\n'
        f'[workspace.s3-options.bucket]\nendpoint-url = "{url}"\n'
        f'region = "{region}"\nforce-path-style = true\n'
    )


def error(status: int, code: str, **headers: str) -> Answer:
    """Return an error of S3."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body.encode(), {"Content-Type": "application/xml", **named})
