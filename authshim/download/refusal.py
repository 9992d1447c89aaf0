"""Descriptions of the responses that are not the requested file, with the user's next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import advice, next_step
from authshim.redact import redact
from authshim.transport import failures
from authshim.transport.carrier import named_by_of
from authshim.urls import parse
from authshim.urls.presigned import is_presigned

if TYPE_CHECKING:
    from requests import Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep


def describe(
    response: Response, found: Found | None, chain: Chain, url: str
) -> tuple[str, NextStep]:
    """Return the reason and the next step, both without a secret.

    :param response: the last one, after redirects.
    :param found: the credential that was sent for it.
    :param url: the URL that the user gave.
    """
    status = response.status_code
    server = _server_of(response, url)
    if is_presigned(response.url) and status in (400, 401, 403):
        reason = f"{server} does not accept the signature in the URL (HTTP {status})"
        return reason, _new_signature(url)
    if status in (401, 403):
        withheld = chain.withheld(response.url, named_by=named_by_of(response.request))
        if withheld and found is None:
            reason = f"{server} asks for a credential; {withheld} (HTTP {status})"
            return reason, advice.allow_http(response.url)
        return _unauthorized(response, server, found, chain)
    if status in (404, 410):
        return f"{server} has no such file (HTTP {status})", _correct_url(response, found, chain)
    if status == 407:
        proxy, setting = failures.find_proxy(response, chain.circumstances)
        step = next_step.LOG_IN_AT_PROXY(setting=setting)
        return f"{proxy} asks for a credential (HTTP 407)", step
    return _other_status(status, server)


def _server_of(response: Response, url: str) -> str:
    """Return "the server", or the host of a response that came from another one."""
    host = parse(response.url).host
    return "the server" if host == parse(url).host else host


def sign_in(response: Response, chain: Chain) -> tuple[str, NextStep]:
    """Return the reason and the next step for an HTML page in place of the file."""
    host = parse(response.url).host
    asked = [*response.history, response][0].url
    login = advice.log_in_at(asked, None, asks_keyring=chain.asks_keyring, chain=chain)
    step = next_step.LOG_IN_OR_TAKE_PAGE(step=login)
    return f"{host} sent an HTML page, perhaps to log in", step


def _unauthorized(
    response: Response,
    server: str,
    found: Found | None,
    chain: Chain,
) -> tuple[str, NextStep]:
    status, url = response.status_code, response.url
    if found is None and parse(url).password is not None:
        reason = f"{server} rejected the user:password@ in the URL (HTTP {status})"
        return reason, next_step.CORRECT_USERINFO()
    if found is None:
        note = chain.why_nothing(url)
        reason = f"{server} asks for a credential, and {note} (HTTP {status})"
        return reason, _log_in(response, chain)
    credential = _login(found)
    if status == 401:
        step = advice.log_in_again(redact(url), found, chain)
        return f"{server} rejected {credential} (HTTP 401)", step
    return f"{server} forbids the file to {credential} (HTTP 403)", advice.ask_owner(redact(url))


def _login(found: Found) -> str:
    """Return the words for a credential: its user, or else its kind, and its provider."""
    user = found.credential.shown_username
    whose = f"user {user!r}" if user else f"the {type(found.credential).__name__}"
    return f"{whose} from {found.provider}"


def _other_status(status: int, server: str) -> tuple[str, NextStep]:
    step = next_step.CORRECT_URL()
    if status == 429 or status >= 500:
        step = next_step.TRY_LATER()
    return f"{server} answered HTTP {status}", step


def _correct_url(response: Response, found: Found | None, chain: Chain) -> NextStep:
    if found is not None:
        return next_step.CORRECT_URL()
    # Some servers send 404 for a file that an anonymous user may not see.
    return next_step.CORRECT_URL_OR_LOG_IN(step=_log_in(response, chain))


def _new_signature(url: str) -> NextStep:
    if is_presigned(url):
        return next_step.GET_SIGNED_URL()
    return next_step.GET_URL_SIGNED_AGAIN()


def _log_in(response: Response, chain: Chain) -> NextStep:
    """Return the step that gives a credential for the URL of a response."""
    named_by = named_by_of(response.request)
    if advice.is_unknown(response.url, named_by, chain):
        return advice.ask_about(response.url, named_by)
    return advice.log_in_at(response.url, None, asks_keyring=chain.asks_keyring, chain=chain)
