"""The servers that a login or logout itself has to ask: they confirm a token, or revoke it.

They are reached over https or on this machine, follow no redirect, and get nothing from netrc.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from authshim.errors import LoginError, SettingsError, UrlError
from authshim.urls import is_loopback, parse, redact

if TYPE_CHECKING:
    import requests

    from authshim.credentials import Credential, OAuth

_SECONDS = 30.0
_QUERY = {"query": "query { viewer { login } }"}


def viewer(token: Credential, url: str) -> str:
    """Return whose token of prefix.dev this is.

    :param url: prefix.dev's, or what ``PREFIX_DEV_API_URL`` names in its place.
    :raises LoginError: it is not accepted, or the server cannot be asked.
    :raises SettingsError: the URL is no https URL.
    """
    if reason := _unsafe(url):
        raise SettingsError("PREFIX_DEV_API_URL", reason)
    shown = redact(url)
    answer = _post(f"{url.rstrip('/')}/api/graphql", lambda: {"json": _QUERY}, header=token.header)
    if answer.login is not None:
        return answer.login
    if answer.status in (200, 401, 403):
        raise LoginError(f"{shown} does not accept the token")
    raise LoginError(f"the token cannot be verified at {shown}: {answer.failure}")


def revoke(credential: OAuth) -> str:
    """Revoke the tokens of an OAuth login (RFC 7009); return why that failed, or nothing."""
    endpoint = credential.revocation_endpoint
    if endpoint is None:
        return ""
    reason = _unsafe(endpoint)
    for hint in ("refresh_token", "access_token"):
        if getattr(credential, hint) and not reason:
            reason = _post(endpoint, partial(_form, credential, hint)).failure
    return f"the tokens could not be revoked at {redact(endpoint)}: {reason}" if reason else ""


def _form(credential: OAuth, hint: str) -> dict[str, Any]:
    token = getattr(credential, hint)
    return {"data": {"token": token, "token_type_hint": hint, "client_id": credential.client_id}}


def _unsafe(url: str) -> str:
    try:
        parsed = parse(url)
    except UrlError as error:
        return error.reason
    return "" if parsed.scheme == "https" or is_loopback(parsed.host) else "it is not an https URL"


class _Answer(NamedTuple):
    status: int = 0
    login: str | None = None
    failure: str = ""


def _post(url: str, content: Callable[[], dict[str, Any]], *, header: str | None = None) -> _Answer:
    """Ask, and return what matters of the answer: no frame above holds what was sent, or an error of requests."""
    import requests

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        # That there is a function keeps requests from putting netrc in its place.
        if header is not None:
            request.headers["Authorization"] = header
        return request

    answers: list[_Answer] = []

    def ask() -> None:
        try:
            answer = requests.post(url, auth=authorize, timeout=_SECONDS, allow_redirects=False, **content())
        except (requests.RequestException, OSError, ValueError) as error:
            if not isinstance(error, requests.Timeout):
                answers.append(_Answer(failure=f"it cannot be reached ({type(error).__name__})"))
            return
        failure = "" if answer.status_code == 200 else f"it answered HTTP {answer.status_code}"
        answers.append(_Answer(answer.status_code, _login_of(answer), failure))

    # In a thread of its own: an answer byte by byte keeps no timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return answers[0] if answers else _Answer(failure=f"it did not answer in {_SECONDS:g} s")


def _login_of(answer: requests.Response) -> str | None:
    try:
        login = answer.json()["data"]["viewer"]["login"]
    except (ValueError, LookupError, TypeError):
        return None
    return login if isinstance(login, str) and login.isprintable() else None
