"""Requests for ``s3://`` URLs, which are signed and sent to the endpoint of the bucket.

1. A copy is signed. The caller's request stays as it is.
2. The copy carries no other credential: not the caller's ``Authorization``, and no cookie.
3. A request for a URL that a server named is not signed, and a redirect carries nothing.
"""

from __future__ import annotations

from copy import copy as plain_copy
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from requests.exceptions import InvalidSchema, RequestException
from requests.structures import CaseInsensitiveDict
from requests.utils import should_bypass_proxies

from authshim import next_step
from authshim.errors import S3Error
from authshim.redact import redact
from authshim.secret import clears_frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest

    from authshim.credentials import S3Credentials
    from authshim.lookup.chain import Chain
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.s3 import S3Route

METHODS = ("GET", "HEAD")
"""The methods that are signed. pixi reads channels by them."""

_CREDENTIALS = ("Authorization", "Cookie", "X-Amz-Security-Token")
"""The headers that prove who the user is."""


_NO_SIGNER = "requests-aws4auth is not installed"


class UnsignedRequest(S3Error, RequestException):
    """The error of ``S3Error``, as one of ``requests``."""


def route_of(
    chain: Chain,
    request: PreparedRequest,
    named_by: NamedBy,
) -> S3Route:
    """Return the endpoint and the keys for a request.

    :raises UnsignedRequest: there are none, or the method or the extra is missing.
    :raises InvalidSchema: a server named the URL.
    """
    url = request.url or ""
    if named_by.is_marked:
        raise InvalidSchema(f"{named_by.host} named {redact(url)}, and no such URL is signed")
    if request.method not in METHODS:
        reason = f"only {' and '.join(METHODS)} are signed"
        raise UnsignedRequest(redact(url), reason, next_step.WRITE_BY_AWS())
    try:
        _signer()
        return chain.s3.route(url)
    except ImportError:
        reason = _NO_SIGNER
        step = str(next_step.INSTALL_S3())
        is_unknown = True
    except S3Error as error:
        reason = error.reason
        step = error.next_step
        is_unknown = error.is_unknown
    raise UnsignedRequest(redact(url), reason, step, is_unknown=is_unknown)


@clears_frames
def sign(request: PreparedRequest, route: S3Route) -> PreparedRequest:
    """Return a signed copy of a request, for the endpoint."""
    copy = plain_copy(request)
    copy.headers = CaseInsensitiveDict(request.headers)
    for name in _CREDENTIALS:
        copy.headers.pop(name, None)
    copy.url = route.url
    credential: Any = route.found.credential
    _authorize(copy, credential, route.options.region)
    return copy


def _authorize(
    request: PreparedRequest,
    credential: S3Credentials,
    region: str,
) -> None:
    signer = _signer()(
        credential.access_key_id,
        credential.secret_access_key,
        region,
        "s3",
        session_token=credential.session_token,
    )
    signer(request)


@cache
def _signer() -> Any:
    """Return the class that signs.

    :raises ImportError: requests-aws4auth is not installed.
    """
    from requests_aws4auth import AWS4Auth

    class Signer(AWS4Auth):  # type: ignore[misc]
        """A signer that takes the path as it is: the URL of the endpoint is encoded by AWS's rules.

        The method that it replaces collapses ``//`` and ``/./``, which S3 does not.
        """

        def amz_cano_path(self, path: str) -> str:
            return path

    return Signer


def proxies_for(
    route: S3Route,
    proxies: Mapping[str, str] | None,
) -> Mapping[str, str] | None:
    """Return the proxies without those of the environment, if it exempts the endpoint.

    requests has asked only for the ``s3://`` URL.
    """
    if not proxies:
        return proxies
    exempt = proxies.get("no_proxy")
    if not should_bypass_proxies(route.url, no_proxy=exempt):
        return proxies
    own = getproxies()
    return {scheme: url for scheme, url in proxies.items() if own.get(scheme) != url}
