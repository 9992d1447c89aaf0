"""The copy of a request that goes on the wire, with what was found; the request that came in stays as it is.

Nearly half of what is added to each request is added here. Therefore it is done to the dict in which
``CaseInsensitiveDict`` keeps its items: that class's own methods take several times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from authshim.credentials import CondaToken
from authshim.redaction import hide_request_lines

if TYPE_CHECKING:
    from requests import PreparedRequest

    from authshim.trace import Found

_blank: Any = object.__new__
"""Makes an object whose ``__init__`` is not called."""


def items_of(headers: Any) -> Any:
    """Return the dict that headers are kept in: by lower-case names, the name as it was written and the value."""
    return (headers if type(headers) is CaseInsensitiveDict else CaseInsensitiveDict(headers))._store  # type: ignore[attr-defined]


def copy_of(request: PreparedRequest, found: Found | None) -> PreparedRequest:
    """Copy a request, with the credential and without a header of netrc's; the request itself where neither is."""
    items = items_of(request.headers)
    if found is None and "authorization" not in items:
        return request
    copy: PreparedRequest = _blank(type(request))
    copy.__dict__ = request.__dict__.copy()
    copy.headers = headers = _blank(CaseInsensitiveDict)
    headers._store = items = items.copy()
    header = found and found.credential.header
    if header:
        items["authorization"] = ("Authorization", header)
        return copy
    items.pop("authorization", None)
    if found is not None and isinstance(found.credential, CondaToken):
        hide_request_lines()
        copy.url = found.credential.wire_url(request.url or "")
    return copy
