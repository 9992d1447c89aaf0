"""The servers that the tests of redirects share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from servers import Authority, Names, Recorder


class Schemes(NamedTuple):
    """A server for http and one for https, each for every host."""

    http: Recorder
    https: Recorder
    verify: str
    """The file of certificates that a client has to trust."""


@pytest.fixture
def schemes(
    recorder: Recorder, tls_recorder: Recorder, anywhere: Names, authority: Authority
) -> Schemes:
    """Every host by http and by https, on their default ports."""
    return Schemes(anywhere(recorder, port=80), anywhere(tls_recorder, port=443), authority.file)
