"""The answers of a bucket, which a request for a channel at ``s3://`` gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from authshim.index.answer import (
    FORBIDDEN,
    FOUND,
    NOT_ASKED,
    NOT_THERE,
    REFUSED,
    UNREACHABLE,
    Answer,
)
from authshim.transport import s3_answer
from authshim.urls import parse

if TYPE_CHECKING:
    from requests import Response

    from authshim.errors import S3Error
    from authshim.lookup.chain import Chain
    from authshim.lookup.s3 import S3Route
    from authshim.next_step import NextStep
    from authshim.project.repositories import Repository

_WORDS = {
    s3_answer.REJECTED: REFUSED,
    s3_answer.FORBIDDEN: FORBIDDEN,
    s3_answer.MISSING: NOT_THERE,
    s3_answer.FAILED: UNREACHABLE,
}


def name_answer(
    place: Repository,
    response: Response,
    route: S3Route,
    chain: Chain,
) -> Answer:
    """Return the answer that a response is."""
    answer = Answer(
        place,
        FOUND,
        status=response.status_code,
        found=route.found,
        host=parse(response.url).host,
    )
    if answer.status in (200, 206):
        return answer
    problem = s3_answer.describe(response, route, chain)
    return answer._replace(
        answer=_WORDS[problem.kind],
        detail=problem.reason,
        next_step=problem.next_step,
    )


def name_unsigned(place: Repository, error: S3Error) -> Answer:
    """Return the answer in place of a request that was not signed."""
    word = REFUSED
    if error.is_unknown:
        word = NOT_ASKED
    step = cast("NextStep", error.next_step)
    return Answer(
        place,
        word,
        detail=error.reason,
        next_step=step,
    )
