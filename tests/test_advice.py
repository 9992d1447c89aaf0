"""The next command that a person is told to type."""

from __future__ import annotations

import pytest

from authshim.advice import ask_owner, log_in, missing

LOG_IN = [
    ("https://repo.prefix.dev/acme", "authshim auth login prefix.dev"),
    ("https://prefix.dev/", "authshim auth login prefix.dev"),
    ("https://conda.anaconda.org/acme", "authshim auth login anaconda.org"),
    ("https://anaconda.org/acme", "authshim auth login anaconda.org"),
    (
        "https://notprefix.dev/acme",
        "authshim auth login notprefix.dev --username USER   (or --token, or --conda-token; it asks for the secret)",
    ),
]


@pytest.mark.parametrize(("url", "command"), LOG_IN)
def test_a_channel_is_logged_in_to_by_the_login_that_its_service_takes(url: str, command: str) -> None:
    assert log_in(url, None, by_keyring=False) == command


GOOGLES = (
    "let an owner run: gcloud artifacts repositories add-iam-policy-binding wheels --project=acme "
    "--location=europe-west1 --member=user:EMAIL --role=roles/artifactregistry.reader"
)
NOBODYS = "ask its owner to let this user read it"


@pytest.mark.parametrize(
    ("url", "step"),
    [
        ("https://europe-west1-python.pkg.dev/acme/wheels/simple/", GOOGLES),
        (
            "https://pkgs.dev.azure.com/acme/widgets/_packaging/blue/pypi/simple/",
            "ask an owner of the feed blue to make this user a Feed Reader",
        ),
        ("https://pkgs.dev.azure.com/odd", NOBODYS),
        ("https://index.example/simple", NOBODYS),
    ],
)
def test_whoever_is_known_and_may_not_read_is_sent_to_an_owner(url: str, step: str) -> None:
    assert ask_owner(url) == step


def test_codeartifacts_404_has_two_meanings_and_a_command_that_tells_them_apart() -> None:
    host = "acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com"
    said, step = missing(f"https://{host}/pypi/store/simple/")
    assert said == "there is no such repository, or this user may not read it: CodeArtifact says 404 to both"
    assert step == (
        "aws codeartifact describe-repository --domain acme --domain-owner 111122223333 --repository store "
        "--region eu-west-1"
    )
    assert missing("https://index.example/simple") == ("", "correct the URL")
