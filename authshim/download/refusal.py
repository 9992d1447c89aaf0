"""Descriptions of the responses that are not the requested file, with the user's next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import advice
from authshim.redact import redact
from authshim.transport.carrier import named_by_of
from authshim.urls import is_presigned, parse

if TYPE_CHECKING:
    from requests import Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found


def describe(response: Response, found: Found | None, chain: Chain, url: str) -> tuple[str, str]:
    """Return the reason and the next step, both without a secret.

    :param response: the last one, after redirects.
    :param found: the credential that was sent for it.
    :param url: the URL that the user gave.
    """
    status = response.status_code
    host = parse(response.url).host
    server = "the server" if host == parse(url).host else host
    if is_presigned(response.url) and status in (400, 401, 403):
        reason = f"{server} does not accept the signature in the URL (HTTP {status})"
        return reason, _new_signature(url)
    if status in (401, 403):
        withheld = chain.withheld(response.url, named_by=named_by_of(response.request))
        if withheld and found is None:
            reason = f"{server} asks for a credential; {withheld} (HTTP {status})"
            return reason, advice.name_by_https(response.url)
        return _unauthorized(status, server, response.url, found, chain)
    if status in (404, 410):
        return f"{server} has no such file (HTTP {status})", _correct_url(response, found, chain)
    return _other_status(status, server)


def sign_in(response: Response, chain: Chain) -> tuple[str, str]:
    """Return the reason and the next step for an HTML page in place of the file."""
    host = parse(response.url).host
    step = f"{_log_in(response.url, chain)}   (if you want a page: -o NAME.html)"
    return f"{host} sent an HTML page, perhaps to log in", step


def _unauthorized(
    status: int,
    server: str,
    url: str,
    found: Found | None,
    chain: Chain,
) -> tuple[str, str]:
    if found is None and parse(url).password is not None:
        reason = f"{server} rejected the user:password@ in the URL (HTTP {status})"
        return reason, "correct it"
    if found is None:
        note = chain.note or "no provider has one"
        return f"{server} asks for a credential, and {note} (HTTP {status})", _log_in(url, chain)
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


def _other_status(status: int, server: str) -> tuple[str, str]:
    if status == 407:
        step = "write user:password@ into HTTPS_PROXY or HTTP_PROXY"
        return "the proxy asks for a credential (HTTP 407)", step
    is_temporary = status == 429 or status >= 500
    step = "try again later" if is_temporary else "correct the URL"
    return f"{server} answered HTTP {status}", step


def _correct_url(response: Response, found: Found | None, chain: Chain) -> str:
    if found is not None:
        return "correct the URL"
    # Some servers send 404 for a file that an anonymous user may not see.
    return f"correct the URL, or log in: {_log_in(response.url, chain)}"


def _new_signature(url: str) -> str:
    if is_presigned(url):
        return "get a new URL from where this one came from"
    return "run it again: the index signs a new URL"


def _log_in(url: str, chain: Chain) -> str:
    return advice.log_in_at(url, None, asks_keyring=chain.asks_keyring, chain=chain)
