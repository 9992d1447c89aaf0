"""The command that is named if a login has ended."""

from __future__ import annotations

import pytest

from authshim.credentials import OAuth
from authshim.oauth.command import login_command


def command(host: str, endpoint: str, client: str = "rattler") -> str:
    return login_command(host, OAuth("s3cret-a", "s3cret-r", 1, endpoint, None, client))


@pytest.mark.parametrize("host", ["prefix.dev", "repo.prefix.dev"])
@pytest.mark.parametrize(
    "endpoint", ["https://prefix.dev/api/oidc/token", "https://id.prefix.dev/token"]
)
def test_command_has_no_option_at_prefix_dev(host: str, endpoint: str) -> None:
    assert command(host, endpoint) == f"authshim auth login {host}"


@pytest.mark.parametrize("endpoint", ["https://h.example/token", "https://h.example/oauth/token"])
def test_command_names_no_issuer_if_that_is_the_host(endpoint: str) -> None:
    assert command("h.example", endpoint) == "authshim auth login h.example --oauth"


@pytest.mark.parametrize(
    ("endpoint", "issuer"),
    [
        ("http://127.0.0.1:8000/token", "http://127.0.0.1:8000"),
        ("https://gitlab.example/oauth/token", "https://gitlab.example"),
        (
            "https://id.example/realms/acme/protocol/openid-connect/token",
            "https://id.example/realms/acme",
        ),
        ("https://id.example/application/o/token/", "ISSUER"),
        ("https://id.example/acme/oauth2/v2.0/token", "ISSUER"),
        ("https://ada:s3cret@id.example/token", "ISSUER"),
        ("https://id.example/token?s3cret", "ISSUER"),
        ("", "ISSUER"),
    ],
)
@pytest.mark.parametrize("host", ["h.example", "prefix.dev"])
def test_command_names_the_issuer_if_it_can_be_known(host: str, endpoint: str, issuer: str) -> None:
    assert command(host, endpoint) == (
        f"authshim auth login {host} --oauth --oauth-issuer-url {issuer}"
    )


@pytest.mark.parametrize(
    ("client", "word"), [("authshim-test", "authshim-test"), ("a b;c", "'a b;c'")]
)
def test_command_names_a_client_of_its_own(client: str, word: str) -> None:
    assert command("prefix.dev", "https://prefix.dev/token", client) == (
        f"authshim auth login prefix.dev --oauth --oauth-client-id {word}"
    )
