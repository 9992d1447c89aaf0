"""Who has to say why it was refused knows what it sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from servers import CHALLENGE, Answer, Recorder, redirect

import authshim
from authshim.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

ADA = authshim.BasicHTTP("ada", "s3cret")


class Vault(authshim.Provider):
    name = "vault"

    def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
        return ADA if key == "127.0.0.1" else None


@pytest.fixture
def witness() -> Witness:
    return Witness(authshim.Chain([Vault()]))


@pytest.fixture
def session(witness: Witness) -> Iterator[requests.Session]:
    with witness.session() as made:
        yield made


def test_what_was_refused_is_known(witness: Witness, session: requests.Session, recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    session.get(recorder.url)
    assert witness.found == authshim.Found(ADA, "vault", "127.0.0.1")


def test_what_an_earlier_hop_was_sent_is_no_credential_of_the_last(
    witness: Witness, session: requests.Session, recorder: Recorder
) -> None:
    recorder.on("/x", redirect(f"http://localhost:{recorder.port}/there"))
    session.get(f"{recorder.url}/x")
    assert [seen.authorization for seen in recorder.seen] == [ADA.header, None]
    assert witness.found is None


def test_a_redirect_with_a_page_that_has_a_length_is_followed(session: requests.Session, recorder: Recorder) -> None:
    recorder.on("/x", Answer(302, b"see there", {"Location": "/there"}))
    assert session.get(f"{recorder.url}/x").text == "ok"


def test_the_page_of_a_redirect_is_not_read(session: requests.Session, recorder: Recorder) -> None:
    page = iter([b"x" * 65536] * 1024)
    recorder.on("/x", Answer(302, page, {"Location": "/there"}))
    assert session.get(f"{recorder.url}/x").text == "ok"
    assert next(page, None) is not None
