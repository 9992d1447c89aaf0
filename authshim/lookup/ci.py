"""The exchange of a CI job's identity, for the provider that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.errors import ProviderError
from authshim.oauth.http import EndpointError
from authshim.oauth.identity import IdentityError, detect, mint, usable_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.credentials import Credential


class IdentityExchange:
    """A function that exchanges the identity of a job.

    :param service: the CI.
    :param environ: names proxies and certificates, as for requests.
    """

    def __init__(
        self,
        service: str,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._service = service
        self._environ = environ

    def __call__(self, url: str) -> tuple[Credential, float | None]:
        """Return a token for the URL of an exchange, and when to ask again.

        :raises ProviderError: the CI gives no identity, or the server no token.
        """
        try:
            credential = mint(
                url,
                detect(self._service),
                self._environ,
            )
        except (IdentityError, EndpointError) as error:
            reason = str(error)
        else:
            return credential, usable_until(credential)
        raise ProviderError("CI identity", reason)

    def __getstate__(self) -> dict[str, Any]:
        return {"_service": self._service, "_environ": None}
