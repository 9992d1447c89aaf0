from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from provider_contract import ProviderContract

from authshim.credentials import BasicHTTP, BearerToken, Credential
from authshim.errors import ProviderError
from authshim.providers.ci_identity import CIIdentity
from authshim.providers.job_token import JobToken
from authshim.urls import IDENTITY, JOB, Key

if TYPE_CHECKING:
    from authshim.providers.base import Provider

MINT = Key("https://prefix.dev/api/oidc/mint_token", IDENTITY)
SERVER = Key("gitlab.example:443", JOB)


def exchange(url: str) -> tuple[Credential, float | None]:
    """Return a token that expires at 1,000 s."""
    return BearerToken(f"s3cret-{url.split('/')[2]}"), 1000.0


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the variables of a job."""
    monkeypatch.setenv("CI_JOB_TOKEN", "s3cret")
    monkeypatch.setenv("CI_SERVER_HOST", "gitlab.example")
    return monkeypatch


class TestTheIdentity(ProviderContract):
    planted = {
        MINT: BearerToken("s3cret-prefix.dev"),
        Key("https://repo.prefix.dev/api/oidc/mint_token", IDENTITY): BearerToken(
            "s3cret-repo.prefix.dev"
        ),
    }

    @pytest.fixture
    def provider(self) -> Provider:
        return CIIdentity("GitHub", exchange)


class TestTheJobToken(ProviderContract):
    planted = {SERVER: BasicHTTP("gitlab-ci-token", "s3cret")}

    @pytest.fixture
    def provider(self, gitlab: pytest.MonkeyPatch) -> Provider:
        return JobToken()


def test_token_is_exchanged_again_once_it_is_due() -> None:
    now, asked = [0.0], []

    def counted(url: str) -> tuple[Credential, float | None]:
        asked.append(url)
        return exchange(url)

    provider = CIIdentity("GitHub", counted, clock=lambda: now[0])
    for now[0] in (0.0, 999.0, 1000.0):
        assert provider.find(MINT) == BearerToken("s3cret-prefix.dev")
    assert len(asked) == 2


def test_would_ask_exchanges_nothing() -> None:
    def refuse(url: str) -> tuple[Credential, float | None]:
        raise AssertionError(url)

    said = CIIdentity("CircleCI", refuse).would_ask(MINT)
    assert said.startswith("would ask CircleCI for the identity of this job, and prefix.dev")


@pytest.mark.parametrize(
    ("name", "value"),
    [("CI_JOB_TOKEN", ""), ("CI_SERVER_HOST", ""), ("CI_SERVER_PORT", "8443")],
)
def test_job_token_is_for_its_server_alone(
    name: str, value: str, gitlab: pytest.MonkeyPatch
) -> None:
    gitlab.setenv(name, value)
    assert JobToken().find(SERVER) is None


def test_job_token_that_cannot_be_sent_is_an_error(gitlab: pytest.MonkeyPatch) -> None:
    gitlab.setenv("CI_JOB_TOKEN", "s3cret\nx")
    with pytest.raises(ProviderError) as caught:
        JobToken().find(SERVER)
    assert_no_secret(caught.value)
