"""Why a server answered with something else than the file that it was asked for, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import advice
from authshim.carrier import named_by_of
from authshim.urls import is_presigned, parse, redact

if TYPE_CHECKING:
    from requests import Response

    from authshim.chain import Chain
    from authshim.trace import Found


def why(response: Response, found: Found | None, chain: Chain, url: str) -> tuple[str, str]:
    """Say why there is no file, and what to do about it: two phrases without a secret.

    :param response: the last one, after redirects.
    :param found: the credential that was sent for it.
    :param url: what was asked for.
    """
    status = response.status_code
    host = parse(response.url).host
    who = "the server" if host == parse(url).host else host
    if is_presigned(response.url) and status in (400, 401, 403):
        return f"{who} does not take the signature in the URL (HTTP {status})", _renewed(url)
    if status in (401, 403):
        withheld = chain.withheld(response.url, named_by=named_by_of(response.request))
        if withheld and found is None:
            return f"{who} asks for a credential; {withheld} (HTTP {status})", advice.name_by_https(response.url)
        return _refused(status, who, response.url, found, chain)
    if status in (404, 410):
        # Some say so to everybody whom they do not know.
        log_in = "" if found else f", or log in: {_log_in(response.url, chain)}"
        return f"{who} has no such file (HTTP {status})", f"correct the URL{log_in}"
    if status == 407:
        return "the proxy asks for a credential (HTTP 407)", "write user:password@ into HTTPS_PROXY or HTTP_PROXY"
    return f"{who} answered HTTP {status}", "try again later" if status == 429 or status >= 500 else "correct the URL"


def sign_in(response: Response, chain: Chain) -> tuple[str, str]:
    """Say that a page for people came in place of the file."""
    host = parse(response.url).host
    step = f"{_log_in(response.url, chain)}   (where a page is wanted: -o NAME.html)"
    return f"{host} sent a page for people, perhaps to sign in", step


def _refused(status: int, who: str, url: str, found: Found | None, chain: Chain) -> tuple[str, str]:
    if found is None and parse(url).password is not None:
        return f"{who} does not take the user:password@ of the URL (HTTP {status})", "correct it"
    if found is None:
        reason = chain.note or "no provider has one"
        return f"{who} asks for a credential, and {reason} (HTTP {status})", _log_in(url, chain)
    what = f"{found.credential!r} from {found.provider}"
    if status == 401:
        return f"{who} does not take {what} (HTTP 401)", advice.log_in_again(redact(url), found)
    return f"{who} forbids it to {what} (HTTP 403)", advice.ask_owner(redact(url))


def _renewed(url: str) -> str:
    own = is_presigned(url)
    return "get a new URL from where this one came from" if own else "run it again: the index signs it anew"


def _log_in(url: str, chain: Chain) -> str:
    return advice.log_in_at(url, None, asks_keyring=chain.asks_keyring)
