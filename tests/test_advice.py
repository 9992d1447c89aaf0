"""The next command that a person is told to type."""

from __future__ import annotations

import pytest

from authshim.advice import log_in

LOG_IN = [
    ("https://repo.prefix.dev/acme", "authshim auth login prefix.dev --token TOKEN"),
    ("https://prefix.dev/", "authshim auth login prefix.dev --token TOKEN"),
    ("https://conda.anaconda.org/acme", "authshim auth login anaconda.org --conda-token TOKEN"),
    ("https://anaconda.org/acme", "authshim auth login anaconda.org --conda-token TOKEN"),
    (
        "https://notprefix.dev/acme",
        "authshim auth login notprefix.dev --username USER --password PASSWORD   (or --token TOKEN)",
    ),
]


@pytest.mark.parametrize(("url", "command"), LOG_IN)
def test_a_channel_is_logged_in_to_by_the_login_that_its_service_takes(url: str, command: str) -> None:
    assert log_in(url, None, by_keyring=False) == command
