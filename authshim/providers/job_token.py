"""The token of a GitLab CI job, for the GitLab that runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError, ProviderError
from authshim.providers.base import Provider
from authshim.secret import Secret
from authshim.urls import JOB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.credentials import Credential

USERNAME = "gitlab-ci-token"


class JobToken(Provider):
    """A provider of ``CI_JOB_TOKEN`` for ``CI_SERVER_HOST``.

    :param environ: in place of ``os.environ``. A copy in another process reads its own.
    """

    name = "GitLab CI job token"
    answers = frozenset({JOB})

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ

    def find(
        self,
        key: str,
        username: str | None = None,
    ) -> Credential | None:
        """Return the token of the job for ``host:port`` of its GitLab, or None.

        :raises ProviderError: the variable has no token that can be sent.
        """
        server, token = self._job()
        if not token.text or key != server:
            return None
        if username not in (None, USERNAME):
            return None
        try:
            return BasicHTTP(USERNAME, token.text)
        except CredentialError as error:
            reason = str(error)
        raise ProviderError(self.name, reason)

    def _job(self) -> tuple[str, Secret]:
        """Return ``host:port`` of the GitLab that runs the job, and the token."""
        environ = self._environ
        if environ is None:
            environ = os.environ
        server = _server(environ)
        token = Secret(environ.get("CI_JOB_TOKEN", ""))
        return server, token

    def __getstate__(self) -> dict[str, Any]:
        # A pickle holds no secret.
        return {"_environ": None}


def _server(environ: Mapping[str, str]) -> str:
    """Return ``host:port`` of the GitLab that runs the job, or an empty string."""
    host = environ.get("CI_SERVER_HOST", "")
    if not host:
        return ""
    port = environ.get("CI_SERVER_PORT") or "443"
    return f"{host.lower()}:{port}"
