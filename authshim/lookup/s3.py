"""The look-up for ``s3://`` URLs: the keys that sign a request, and the endpoint that it goes to.

The rules are those of ``s3_middleware.rs`` in rattler, but for the order of the keys.

1. The stored keys are used only for a bucket that has ``s3-options``.
2. Without such keys, or without options, AWS's own chain is asked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from authshim import next_step
from authshim.errors import ProviderError, ProviderMissing, S3Error
from authshim.lookup.entry import CacheEntry
from authshim.lookup.naming import CALLER
from authshim.lookup.trace import Found, Step, Trace
from authshim.providers.aws_chain import NAME as AWS
from authshim.providers.aws_chain import AwsChain
from authshim.redact import redact
from authshim.urls import S3, Key, is_loopback, parse
from authshim.urls.s3 import S3Options, parse_s3, s3_keys
from authshim.urls.url import S3_SCHEME, Url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.concurrency import Clock
    from authshim.lookup.lookup import Lookup
    from authshim.lookup.naming import NamedBy
    from authshim.lookup.setup import Circumstances
    from authshim.next_step import NextStep
    from authshim.urls.s3 import S3Url


class S3Route(NamedTuple):
    """The way of one request: its endpoint, and the keys that sign it."""

    options: S3Options
    found: Found
    url: str
    """The URL of the object at the endpoint."""


class S3Lookup:
    """The providers of a chain, asked for buckets."""

    def __init__(
        self,
        lookup: Lookup,
        circumstances: Circumstances,
        clock: Clock = time,
    ) -> None:
        self._lookup = lookup
        self._circumstances = circumstances
        self._clock = clock
        self._aws = AwsChain()

    @property
    def _declared(self) -> Mapping[str, S3Options]:
        return self._circumstances.s3_options

    def stored(self, text: str) -> Found | None:
        """Return the keys that a provider has for a URL, or None.

        :raises UrlError: it is no ``s3://`` URL.
        """
        url = parse_s3(text)
        self._lookup.notice_changes()
        asker = self._lookup._asker
        with asker.inside():
            found = asker.first(self._entry(url), s3_keys(url))
        if found is None:
            return None
        return found.public

    def find(
        self,
        text: str,
        named_by: NamedBy = CALLER,
    ) -> Found | None:
        """Return the keys that sign a request for a URL, or None.

        :param named_by: no URL is signed that only a server named.
        """
        if named_by.is_marked:
            return None
        try:
            return self.route(text).found
        except S3Error:
            return None

    def route(self, text: str) -> S3Route:
        """Return the way of a request.

        :raises UrlError: it is no ``s3://`` URL.
        :raises S3Error: there are no keys, or no endpoint.
        """
        url = parse_s3(text)
        options = self._declared.get(url.bucket)
        found = None
        try:
            if options is not None:
                found = self.stored(text)
            found = found or self._found_at_aws(url)
            options = options or self._aws.options(url.bucket)
        except ProviderError as error:
            failure = self._failure(url, f"{AWS} cannot be asked: {error.reason}")
            failure.is_unknown = isinstance(error, ProviderMissing)
        else:
            if found is not None:
                self._warn_plain_http(options)
                return S3Route(options, found, options.url_of(url.path))
            failure = self._failure(url, f"{AWS} has no credentials")
        raise failure

    def explain(
        self,
        text: str,
        named_by: NamedBy = CALLER,
    ) -> Trace:
        """Ask each provider again, and return the answers.

        :param named_by: as in ``find``.
        :raises UrlError: it is no ``s3://`` URL.
        """
        url = parse_s3(text)
        self._lookup.refresh()
        asker = self._lookup._asker
        keys = s3_keys(url)
        with asker.inside():
            steps = list(asker.ask(self._entry(url), keys))
        options = self._declared.get(url.bucket)
        stored = []
        if options is not None:
            stored = list(steps)
        steps.append(self._step_at_aws(url, stored))
        trace = Trace(
            redact(text),
            steps=tuple(steps),
            notes=(self._note(url, options),),
            found=None,
        )
        if named_by.is_marked:
            withheld = f"not signed: {named_by.host} named it"
            return trace._replace(withheld=withheld, next_step=next_step.NAME_BUCKET())
        return self._with_outcome(trace, text, options)

    def _with_outcome(
        self,
        trace: Trace,
        text: str,
        options: S3Options | None,
    ) -> Trace:
        """Return a trace with the keys that sign the request, or the reason why there are none."""
        try:
            route = self.route(text)
        except S3Error as error:
            return trace._replace(why=error.reason, next_step=error.next_step)
        if options is None:
            described = _described(route.options)
            trace = trace._replace(notes=(*trace.notes, described))
        return trace._replace(found=route.found)

    def log_in_at(self, bucket: str) -> NextStep:
        """Return the command that stores the keys of a bucket."""
        from shlex import quote

        option = ""
        if self._circumstances.override:
            option = f" --auth-file {quote(self._circumstances.override)}"
        return next_step.LOG_IN_AT_BUCKET(bucket=bucket, option=option)

    def _warn_plain_http(self, options: S3Options) -> None:
        """Warn if requests, and a session token, go over http to another machine."""
        url = parse(options.endpoint_url)
        if url.scheme != "http" or is_loopback(url.host):
            return
        bucket = f"{S3_SCHEME}{options.bucket}"
        self._lookup.once.warn_once(
            f"requests for {bucket} go to {url.host} in the clear: use https (see {options.place})"
        )

    def forget(self) -> None:
        """Let AWS's own chain read its files again."""
        self._aws = AwsChain()

    def _entry(self, url: S3Url) -> CacheEntry:
        bucket = Url("s3", url.bucket, 0, url.path)
        return CacheEntry(
            bucket,
            declared=None,
            path_keys=(),
            service=None,
            clock=self._clock,
        )

    def _found_at_aws(self, url: S3Url) -> Found | None:
        credential = self._aws.credential()
        if credential is None:
            return None
        return Found(credential, AWS, Key(url.bucket, S3))

    def _step_at_aws(
        self,
        url: S3Url,
        stored: list[Step],
    ) -> Step:
        """Return the answer of AWS's own chain, if no stored keys come before it."""
        key = Key(url.bucket, S3)
        if any(step.credential for step in stored):
            return Step(AWS, key, "not asked: there is an answer already")
        try:
            credential = self._aws.credential()
        except ProviderError as error:
            return Step(AWS, key, f"not asked: {error.reason}")
        if credential is None:
            return Step(AWS, key, "nothing")
        return Step(AWS, key, repr(credential), credential)

    def _note(
        self,
        url: S3Url,
        options: S3Options | None,
    ) -> str:
        if options is not None:
            return _described(options)
        return (
            f"no s3-options for {url.bucket}: {AWS} is asked, and no stored key is used, as in pixi"
        )

    def _failure(self, url: S3Url, reason: str) -> S3Error:
        """Return the error of a request that cannot be signed, with the next step."""
        shown = redact(str(url))
        if url.bucket in self._declared:
            reason = f"no provider has keys for {S3_SCHEME}{url.bucket}, and {reason}"
            step = self.log_in_at(url.bucket)
            return S3Error(shown, reason, step)
        reason = f"there are no s3-options for {url.bucket}, and {reason}"
        step = _declare(url.bucket)
        return S3Error(shown, reason, step)


def _declare(bucket: str) -> NextStep:
    name = bucket
    if "." in bucket:
        name = f'"{bucket}"'
    return next_step.DECLARE_BUCKET(name=name)


def _described(options: S3Options) -> str:
    """Return a note about the endpoint of a bucket."""
    endpoint = f"endpoint {options.endpoint_url}, region {options.region}"
    if options.force_path_style:
        endpoint += ", path style"
    return f"{endpoint} (by {options.place})"
