"""The reasons for which an index or channel refuses a request, and the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim import advice, next_step, vendors
from authshim.index.answer import join_reasons
from authshim.login.command import login_command
from authshim.project.repositories import Index
from authshim.redact import redact
from authshim.transport.carrier import named_by_of
from authshim.urls import parse

if TYPE_CHECKING:
    from requests import Response

    from authshim.index.answer import Answer
    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep
    from authshim.project.repositories import Repository


def explain(
    refusal: Answer,
    reasons: list[str],
    response: Response,
    chain: Chain,
) -> Answer:
    """Return a refusal with its reasons and the next step.

    :param reasons: those that are known already. The last one is that of the response.
    """
    found = refusal.found
    if found is not None:
        detail = join_reasons(*reasons)
        step = _replace_login(refusal, found, response.url, chain)
        return refusal._replace(detail=detail, next_step=step)
    named_by = named_by_of(response.request)
    withheld = chain.withheld(response.url, named_by=named_by)
    if withheld:
        detail = join_reasons(*reasons, withheld)
        step = advice.allow_http(response.url)
        return refusal._replace(detail=detail, next_step=step)
    detail = join_reasons(*reasons)
    if not reasons[-1]:
        reason = chain.why_nothing(response.url)
        detail = join_reasons(detail, reason)
    step = _give_login(refusal, response, chain)
    return refusal._replace(detail=detail, next_step=step)


def log_in(place: Repository, chain: Chain) -> NextStep:
    """Return the step that gives a credential for an index or channel."""
    if isinstance(place, Index):
        return advice.log_in(
            place.url,
            place.username,
            by_keyring=chain.asks_keyring,
            chain=chain,
            login_in=place.declaration.login_in,
        )
    return advice.log_in_at(
        place.url,
        place.username,
        asks_keyring=chain.asks_keyring,
        chain=chain,
    )


def _give_login(
    refusal: Answer,
    response: Response,
    chain: Chain,
) -> NextStep:
    """Return the step after a refusal of a request without a credential."""
    url = response.url
    if not _is_elsewhere(refusal, url):
        return log_in(refusal.place, chain)
    named_by = named_by_of(response.request)
    if advice.is_unknown(url, named_by, chain):
        return advice.ask_about(url, named_by)
    return login_command(parse(url), chain)


def _replace_login(
    refusal: Answer,
    found: Found,
    url: str,
    chain: Chain,
) -> NextStep:
    """Return the step after a refusal of a credential."""
    place = refusal.place
    refused = place.url
    if _is_elsewhere(refusal, url):
        refused = redact(url)
    again = advice.log_in_again(refused, found, chain)
    if refusal.status != 403:
        return again
    owner = vendors.ask_owner(place.url)
    return next_step.ASK_OWNER_OR_LOG_IN(owner=owner, step=again)


def _is_elsewhere(refusal: Answer, url: str) -> bool:
    """Tell if the server of another origin refused the request."""
    if refusal.status not in (401, 403):
        return False
    asked = parse(refusal.place.url)
    return parse(url).origin != asked.origin
