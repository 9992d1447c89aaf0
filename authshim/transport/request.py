"""Copy a request for the wire with the credential that was found.

The caller's request stays as it is.

Nearly half of what authshim adds to each request is added here. Therefore the copy is made with
the dict in which ``CaseInsensitiveDict`` keeps its items: that class's own methods take several
times as long. Without such a dict, the copy is made in the plain way.
"""

from __future__ import annotations

from copy import copy as plain_copy
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from authshim.credentials import CondaToken
from authshim.transport.scrub import hide_request_lines

if TYPE_CHECKING:
    from requests import PreparedRequest

    from authshim.credentials import Credential

_blank: Any = object.__new__
"""Makes an object without calling its ``__init__``."""


def keeps_dict(kind: type) -> bool:
    """Tell if a class of headers keeps its items in a dict named ``_store``."""
    return isinstance(getattr(kind(), "_store", None), dict)


FAST = keeps_dict(CaseInsensitiveDict)
"""A guard for the fast copy: this attribute of requests is private."""


def authorization_of(headers: Any) -> str | None:
    """Return the value of the header ``Authorization``; None if there is none."""
    if not FAST or type(headers) is not CaseInsensitiveDict:
        return CaseInsensitiveDict(headers).get("Authorization")
    item: Any = headers._store.get("authorization")  # type: ignore[attr-defined]
    return None if item is None else item[1]


def with_credential(
    request: PreparedRequest,
    credential: Credential | None,
) -> PreparedRequest:
    """Return a copy of a request with a credential and without the header made of netrc.

    If there is neither of them, return the request itself.
    """
    header = None
    if credential is not None:
        header = credential.header
    elif authorization_of(request.headers) is None:
        return request
    if not FAST or type(request.headers) is not CaseInsensitiveDict:
        copy = _plain_copy(request, header)
    else:
        copy = _blank(type(request))
        copy.__dict__ = request.__dict__.copy()
        copy.headers = headers = _blank(CaseInsensitiveDict)
        headers._store = items = request.headers._store.copy()  # type: ignore[attr-defined]
        if header is None:
            items.pop("authorization", None)
        else:
            items["authorization"] = ("Authorization", header)
    if isinstance(credential, CondaToken):
        hide_request_lines()
        copy.url = credential.wire_url(request.url or "")
    return copy


def _plain_copy(
    request: PreparedRequest,
    header: str | None,
) -> PreparedRequest:
    """Return a copy whose ``Authorization`` is ``header``; None: it has no such header."""
    copy = plain_copy(request)
    copy.headers = CaseInsensitiveDict(request.headers)
    copy.headers.pop("Authorization", None)
    if header is not None:
        copy.headers["Authorization"] = header
    return copy
