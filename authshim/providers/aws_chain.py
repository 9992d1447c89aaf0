"""AWS's own chain: the environment, its configuration files, SSO, and the roles of a machine.

botocore has it. It is asked only if it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.credentials import S3Credentials
from authshim.errors import ProviderError, ProviderMissing
from authshim.secret import clears_frames
from authshim.urls.s3 import S3Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

NAME = "AWS's own chain"

_ANY_REGION = "us-east-1"
"""The region that signs for the endpoint of no region."""

_AWS = (".amazonaws.com", ".amazonaws.com.cn")


class AwsChain:
    """A source of keys, and of the endpoint of a bucket for which nothing is declared.

    It has no keys of its own and is pickled without those of botocore.
    """

    name = NAME

    def __init__(self) -> None:
        self._session: Any = None
        self._meta: Any = None
        """The endpoint and the region of a client, whose making takes a tenth of a second."""

    @clears_frames
    def credential(self) -> S3Credentials | None:
        """Return the keys that AWS's own programs would use, or None.

        :raises ProviderMissing: botocore is not installed.
        :raises ProviderError: a file or a server of AWS's chain is broken.
        """
        found = self._asked(lambda session: session.get_credentials())
        if found is None:
            return None
        return self._asked(lambda _: _frozen(found))

    def options(self, bucket: str) -> S3Options:
        """Return the endpoint and the region that AWS's own programs would use.

        :raises ProviderMissing: botocore is not installed.
        :raises ProviderError: a configuration file of AWS is broken.
        """
        if self._meta is None:
            client = self._asked(lambda session: session.create_client("s3"))
            self._meta = client.meta
        meta = self._meta
        region = meta.region_name
        if region == "aws-global":
            region = _ANY_REGION
        from urllib.parse import urlsplit

        netloc = urlsplit(meta.endpoint_url).netloc
        return S3Options(
            bucket,
            endpoint_url=meta.endpoint_url,
            region=region,
            force_path_style=not netloc.endswith(_AWS),
            place=NAME,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"_session": None, "_meta": None}

    def _asked(self, ask: Callable[[Any], T]) -> T:
        """Return an answer of botocore. The text of its errors may hold a value of a file."""
        try:
            return ask(self._opened())
        except ImportError:
            failure: ProviderError = ProviderMissing(NAME, "botocore is not installed")
        except Exception as error:  # noqa: BLE001 - of botocore, urllib3 and the system
            failure = ProviderError(NAME, type(error).__name__)
        raise failure

    def _opened(self) -> Any:
        if self._session is None:
            from botocore.session import get_session

            self._session = get_session()
        return self._session


def _frozen(found: Any) -> S3Credentials:
    """Return the keys that botocore has renewed if they had expired."""
    keys = found.get_frozen_credentials()
    return S3Credentials(
        keys.access_key,
        keys.secret_key,
        keys.token or None,
    )
