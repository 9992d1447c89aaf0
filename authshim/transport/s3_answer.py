"""The answers of a bucket that are not the object, named by the error code in their XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from urllib3.exceptions import HTTPError

from authshim import next_step
from authshim.providers.aws_chain import NAME as AWS
from authshim.redact import shorten
from authshim.transport.body import iter_body
from authshim.urls import parse

if TYPE_CHECKING:
    from requests import Response

    from authshim.lookup.chain import Chain
    from authshim.lookup.s3 import S3Route
    from authshim.next_step import NextStep

MAX_S3_ERROR_BYTES = 16 * 1024
"""The part of an error that is searched for its code."""

REJECTED = "rejected"
FORBIDDEN = "forbidden"
MISSING = "missing"
FAILED = "failed"

_REJECTED = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)
_SKEWED = "RequestTimeTooSkewed"
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


class S3Answer(NamedTuple):
    """An answer that is not the object."""

    kind: str
    """One of the words above."""
    reason: str
    next_step: NextStep


def describe(
    response: Response,
    route: S3Route,
    chain: Chain,
) -> S3Answer:
    """Return the reason of a refusal and the next step, both without a secret."""
    status = response.status_code
    code = _code_of(response)
    host = parse(response.url).host
    said = ", ".join(filter(None, (code, f"HTTP {status}")))
    if response.history:
        reason = f"{host}, to which the bucket redirects without its signature, answered {said}"
        return S3Answer(FAILED, reason, next_step.CORRECT_URL())
    region = _other_region(response, route)
    if region:
        reason = f"the bucket is in the region {region}, not {shorten(route.options.region)}"
        step = next_step.CORRECT_REGION(place=route.options.place)
        return S3Answer(FAILED, reason, step)
    whose = f"the keys {route.found.key} from {route.found.provider}"
    if code in _REJECTED or status == 401:
        reason = f"{host} rejected {whose} ({said})"
        return S3Answer(REJECTED, reason, _log_in_again(route, chain))
    if status == 403 and code != _SKEWED:
        return S3Answer(FORBIDDEN, f"{host} forbids it to {whose} ({said})", next_step.ASK_OWNER())
    return _without_keys(status, code, host, said)


def _without_keys(
    status: int,
    code: str,
    host: str,
    said: str,
) -> S3Answer:
    """Return an answer that has nothing to do with the keys."""
    if code == _SKEWED:
        return S3Answer(FAILED, f"{host} has another time ({said})", next_step.SET_CLOCK())
    if status in (404, 410):
        thing = "file"
        if code == "NoSuchBucket":
            thing = "bucket"
        return S3Answer(MISSING, f"{host} has no such {thing} ({said})", next_step.CORRECT_URL())
    step = next_step.CORRECT_URL()
    if status == 429 or status >= 500:
        step = next_step.TRY_LATER()
    return S3Answer(FAILED, f"{host} answered {said}", step)


def _log_in_again(route: S3Route, chain: Chain) -> NextStep:
    if route.found.provider == AWS:
        return next_step.RENEW_AT_AWS()
    return chain.s3.log_in_at(route.options.bucket)


def _other_region(response: Response, route: S3Route) -> str:
    """Return the region that the bucket says it is in, or an empty string if it is the same."""
    if response.status_code not in (301, 307, 400):
        return ""
    region = response.headers.get("x-amz-bucket-region", "")
    if region == route.options.region or not _REGION.fullmatch(region):
        return ""
    return region


def _code_of(response: Response) -> str:
    """Return the error code in the body, or an empty string."""
    body = b""
    try:
        for piece in iter_body(response):
            body += piece
            if len(body) >= MAX_S3_ERROR_BYTES:
                break
    except (HTTPError, OSError, ValueError):
        return ""
    code = _CODE.search(body[:MAX_S3_ERROR_BYTES])
    if code is None:
        return ""
    return code[1].decode()
