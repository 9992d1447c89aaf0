"""``authshim auth login s3://BUCKET``: the keys of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.cli.secret_input import can_type, read_lines, read_secret
from authshim.login.bucket import KEY_ID, SECRET, SESSION

if TYPE_CHECKING:
    from argparse import Namespace

    from authshim.credentials import S3Credentials


def read_keys(options: Namespace) -> S3Credentials:
    """Return the keys that are given, typed or piped in.

    :raises SettingsError: one of them is empty, or cannot be the one that was meant.
    """
    from authshim.credentials import S3Credentials
    from authshim.login import inputs

    key_id = options.s3_access_key_id
    inputs.check_secret(KEY_ID, key_id)
    given = {
        SECRET: options.s3_secret_access_key,
        SESSION: options.s3_session_token,
    }
    secrets = options.s3_secrets or ()
    piped = [option for option in secrets if given[option] == "-"]
    if len(piped) > 1 and not can_type():
        lines = read_lines(piped)
        given.update(zip(piped, lines))
    secret = read_secret(SECRET, given[SECRET], f"Secret access key of {key_id}: ")
    session = None
    if given[SESSION] is not None:
        session = read_secret(SESSION, given[SESSION], f"Session token of {key_id}: ")
    return S3Credentials(key_id, secret, session)
