"""Amazon's S3 and its like: URLs that carry their own signature, and want no login beside it.

The query of a presigned URL is made like that of amancevice/terraform-aws-serverless-pypi issue 5.
That 400 is the answer where an Authorization header comes along is told in
ansible-collections/community.general issue 1171.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.recording import Door, Route, content, moved
from servers import Answer

if TYPE_CHECKING:
    from replay.recording import Answering

QUERY = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20260101T090000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=0a1b2c"
)

_PRESIGNED = Door((), nobody=None, stranger=Answer(400, b""))


def presigned(url: str, status: int = 302) -> Answering:
    """Answer a redirect to a presigned URL; it may hold the names of the route."""
    return moved(f"{url}?{QUERY}", status)


def bucket(host: str, path: str) -> Route:
    """Return the route of the files in a bucket, for who has a signature only."""
    return Route(host, path, content, _PRESIGNED, query=QUERY)
