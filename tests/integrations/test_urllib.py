"""The handler, in real openers of urllib."""

from __future__ import annotations

import io
import pickle
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from fakes import Fixed, Renewing, chain_of
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder, Seen, redirect

import authshim
from authshim import BasicHTTP, BearerToken, CondaToken
from authshim.integrations.urllib import AuthHandler
from authshim.urls import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authshim import Chain, Credential

ADA = BasicHTTP("ada", "s3cret")
TOKEN = CondaToken("s3cret-token")
OLD, NEW = BearerToken("s3cret-old"), BearerToken("s3cret-new")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@pytest.fixture
def other() -> Iterator[Recorder]:
    """A second server, which is another origin."""
    made = Recorder()
    yield made
    made.stop()


def send(chain: Chain, url: str | urllib.request.Request, *handlers: Any) -> Any:
    """Open a URL, and return the response; a refusal is a response too."""
    opener = urllib.request.build_opener(AuthHandler(chain), *handlers)
    try:
        return opener.open(url, timeout=10)
    except urllib.error.HTTPError as error:
        return error


def sent(recorder: Recorder) -> list[str | None]:
    return [seen.authorization for seen in recorder.seen]


def only_new(seen: Seen) -> Answer:
    return Answer(200) if seen.authorization == NEW.header else Answer(401)


def test_opener_sends_the_credential(recorder: Recorder) -> None:
    with send(chain_of(ADA), recorder.url) as response:
        assert response.read() == b"ok"
    assert sent(recorder) == [ADA.header]


def test_opener_leaves_the_header_of_the_caller(recorder: Recorder) -> None:
    request = urllib.request.Request(recorder.url, headers={"Authorization": "Basic theirs"})
    send(chain_of(ADA), request).close()
    assert sent(recorder) == ["Basic theirs"]


def test_opener_sends_the_renewed_token_after_a_401(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    with send(chain_of(Renewing(OLD, NEW)), f"{recorder.url}/x") as response:
        assert response.status == 200
    assert sent(recorder) == [OLD.header, NEW.header]


def test_opener_answers_a_challenge(recorder: Recorder) -> None:
    recorder.on("/x", lambda seen: Answer() if seen.authorization else CHALLENGE)
    chain = authshim.Chain([Fixed({"default": ADA}, [DEFAULT])])
    send(chain, f"{recorder.url}/x").close()
    assert sent(recorder) == [None, ADA.header]


def test_each_hop_gets_its_own_credential(recorder: Recorder, other: Recorder) -> None:
    bob = BasicHTTP("bob", "s3cret")
    held = {f"127.0.0.1:{recorder.port}": ADA, f"127.0.0.1:{other.port}": bob}
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{recorder.url}/c"))
    send(authshim.Chain([Fixed(held)]), f"{recorder.url}/a").close()
    assert (sent(recorder), sent(other)) == ([ADA.header, ADA.header], [bob.header])


def test_refusal_at_a_redirect_is_not_blamed_on_the_first_hop(
    recorder: Recorder, other: Recorder
) -> None:
    third = Recorder()
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{third.url}/c"))
    third.default = CHALLENGE
    chain = authshim.Chain([Fixed({f"127.0.0.1:{recorder.port}": ADA})])
    with send(chain, f"{recorder.url}/a") as response:
        assert response.status == 401
    third.stop()
    found = chain.find(recorder.url)
    assert found is not None
    assert found.credential == ADA


def test_redirect_gets_no_default(recorder: Recorder, other: Recorder) -> None:
    recorder.on("/a", redirect(f"{other.url}/b"))
    other.on("/b", redirect(f"{other.url}/c"))
    other.on("/c", CHALLENGE)
    send(authshim.Chain([Fixed({"default": ADA}, [DEFAULT])]), f"{recorder.url}/a").close()
    assert sent(other) == [None, None]


def test_unverifiable_request_gets_no_default(recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    request = urllib.request.Request(recorder.url, unverifiable=True)
    send(authshim.Chain([Fixed({"default": ADA}, [DEFAULT])]), request).close()
    assert sent(recorder) == [None]


def test_streaming_upload_is_not_sent_twice(recorder: Recorder) -> None:
    recorder.default = Answer(401)
    request = urllib.request.Request(
        recorder.url, io.BytesIO(b"data"), {"Content-Length": "4"}, method="PUT"
    )
    send(chain_of(Renewing(OLD, NEW)), request).close()
    assert sent(recorder) == [OLD.header]


def test_bytes_are_sent_again(recorder: Recorder) -> None:
    recorder.on("/x", only_new)
    request = urllib.request.Request(f"{recorder.url}/x", b"data", method="PUT")
    send(chain_of(Renewing(OLD, NEW)), request).close()
    assert [seen.body for seen in recorder.seen] == [b"data", b"data"]


@pytest.mark.parametrize("credential", [ADA, BearerToken("s3cret"), TOKEN])
def test_request_and_response_hold_no_secret(credential: Credential, recorder: Recorder) -> None:
    recorder.default = redirect(f"/t/{TOKEN.token}/there" if credential is TOKEN else "/there")
    request = urllib.request.Request(f"{recorder.url}/x")
    with send(chain_of(credential), request, _NoRedirect()) as response:
        assert response.headers["Location"] == "/there"
        assert response.url == f"{recorder.url}/x"
        assert_no_secret(request, str(response), response.headers, response.url, response.msg)
    pickle.dumps(request)


@pytest.mark.parametrize("credential", [ADA, TOKEN])
def test_exception_holds_no_secret(credential: Credential, recorder: Recorder) -> None:
    recorder.stop()
    request = urllib.request.Request(f"{recorder.url}/x")
    with pytest.raises(urllib.error.URLError) as broke:
        send(chain_of(credential), request)
    assert_no_secret(broke.value)


@pytest.mark.parametrize("is_proxied", [False, True])
def test_conda_token_is_sent_in_the_path(is_proxied: bool, recorder: Recorder) -> None:
    proxy = urllib.request.ProxyHandler({"http": recorder.url} if is_proxied else {})
    url = "http://127.0.0.1:9/x/y.json?z=1" if is_proxied else f"{recorder.url}/x/y.json?z=1"
    with send(chain_of(TOKEN), url, proxy) as response:
        assert response.url == url
    assert [seen.path for seen in recorder.seen] == [f"/t/{TOKEN.token}/x/y.json?z=1"]


def test_other_schemes_are_left_alone(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("there")
    with send(chain_of(ADA), (tmp_path / "file").as_uri()) as response:
        assert response.read() == b"there"
