"""Every credential of every source, at every end of a request: the secret is on the wire alone.

``sources`` has the credentials, ``outcomes`` the ends, and ``leaks`` the places that are searched.
A secret that the caller wrote into a URL is searched for on authshim's side only: requests shows it
with or without authshim.
"""

from __future__ import annotations

import logging
import traceback
from contextlib import ExitStack
from typing import TYPE_CHECKING, Callable

import pytest
import requests
from leaks import assert_no_secret, told
from proof.outcomes import OUTCOMES, Outcome
from proof.sources import IDENTITY, MINT, MINTED, REQUEST_TOKEN, SOURCES, Source
from proof.stage import (
    CALLER_WROTE_IT,
    SECRET,
    Stage,
    installed,
    mounted,
    text_of,
    written,
)

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proof.stage import Witness

pytestmark = pytest.mark.unmeasured

PLAIN = [
    "200",
    "401",
    "redirect",
    "redirect elsewhere",
    "timeout",
    "refused connection",
    "bad TLS",
    "no proxy",
]
"""At the other ends, neither the source of a credential nor the way into a session matters."""
ALL = [
    source
    for source in SOURCES
    if not source.startswith(("keychain", "override", "keyring, ", "AWS", "uv", "pip", "poetry"))
]
"""Those left out give a kind of credential that another one gives, too."""
FEW = ["auth file, BasicHTTP", "auth file, CondaToken", "netrc", "URL", "manifest"]

OVER_HTTPS = ["200", "401", "redirect", "redirect elsewhere", "bad TLS", "body that breaks off"]
"""For a credential that goes to https URLs alone."""

CASES = [
    (login, source, outcome)
    for login in (installed, mounted)
    for source in SOURCES
    for outcome in OUTCOMES
    if not SOURCES[source].https
    if outcome in PLAIN or source in (ALL if login is installed else FEW)
]
CASES += [
    (login, source, outcome)
    for login in (installed, mounted)
    for source in SOURCES
    for outcome in OVER_HTTPS
    if SOURCES[source].https
]


@pytest.mark.parametrize(
    ("login", "name", "outcome"),
    [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}-{case[2]}") for case in CASES],
)
def test_the_secret_is_nowhere_but_on_the_wire_to_its_origin(
    login: Callable[..., requests.Session],
    name: str,
    outcome: str,
    stage: Stage,
    witness: Witness,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    caplog.set_level(logging.DEBUG)
    source, end = SOURCES[name], OUTCOMES[outcome]
    if source.https and end.scheme == "http":
        verified = {"verify": stage.servers.authority.file, **end.options}
        end = end._replace(scheme="https", options=verified)
    source.plant(stage, end.scheme)
    stage.asks = source.asked
    end.script(stage)
    chain = authshim.Chain.from_environment(manifest=stage.home if source.project else None)
    url = f"{end.scheme}://{source.userinfo}{source.host}/simple/x"
    if source.bucket:
        url = "s3://simple/x"
    theirs = source.written_by_caller or (source.from_netrc and login is mounted)
    with ExitStack() as closing:
        acts = closing.enter_context(witness.watching())
        session = closing.enter_context(login(chain, **end.adapter))
        session.max_redirects = 3
        result = ended(session, url, end)
        assert_it_was_sent(source, end, stage)
        assert_each_token_of_a_job_is_in_its_place(stage)
        trace = chain.explain(url)
        assert_no_secret(
            *_shown(result, theirs),
            session,
            chain,
            trace,
            str(trace),
            caplog.records,
            capfd.readouterr(),
            [warning.message for warning in recwarn],
            acts,
            [text for path, text in written(acts) if not path.endswith(STORE)],
            secret=SECRET,
            theirs=CALLER_WROTE_IT if theirs else (),
        )


STORE = (".rattler/credentials.json", ".rattler/credentials.json.new")


def ended(session: requests.Session, url: str, outcome: Outcome) -> object:
    """Return the response, or the exception as a caller catches it who asks for all its frames."""
    try:
        result: object = session.get(url, **{"timeout": 30, **outcome.options})
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt too
        result = error
    assert isinstance(result, outcome.raises or requests.Response), repr(result)
    return result


def assert_it_was_sent(source: Source, outcome: Outcome, stage: Stage) -> None:
    """Fail where the origin has not got the secret that it should have, or anybody else has."""
    received = stage.received
    at_origin = [
        told(text, SECRET) for text in (*received.pop("origin"), *received.pop("origin_tls"))
    ]
    assert any(at_origin) is (outcome.reaches and source.sent)
    elsewhere = [
        text for texts in received.values() for text in texts if not text.startswith("/token\n")
    ]
    assert_no_secret(elsewhere, secret=SECRET)


PLACES = {IDENTITY: f"{MINT}\n", REQUEST_TOKEN: "/token?", MINTED: "/simple/"}
"""The beginning of the requests that may have each token."""


def assert_each_token_of_a_job_is_in_its_place(stage: Stage) -> None:
    """Fail where a server got a token of a job that is not for that request."""
    received = stage.received
    at_github = [text_of(seen) for seen in stage.servers.github.seen]
    for text in (*at_github, *received["origin"], *received["origin_tls"]):
        for token, place in PLACES.items():
            assert token not in text or text.startswith(place)
    assert not any(told(text, SECRET) for text in at_github if REQUEST_TOKEN not in text)


def _shown(result: object, theirs: bool) -> list[object]:
    """Return the result of a request, and a traceback as printed with the locals of its frames.

    :param theirs: the caller's own words are in it; then only what is said counts.
    """
    if not isinstance(result, BaseException):
        return [result]
    printed = traceback.TracebackException.from_exception(result, capture_locals=not theirs)
    for frames in _stacks(printed):
        frames[:] = [frame for frame in frames if "tests" not in frame.filename]
    return [*printed.format(), *([] if theirs else [result])]


def _stacks(printed: traceback.TracebackException | None) -> Iterator[traceback.StackSummary]:
    if printed is not None:
        yield printed.stack
        yield from _stacks(printed.__cause__)
        yield from _stacks(printed.__context__)
