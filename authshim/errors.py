"""The exceptions of authshim.

::

    AuthshimError
    ├── UrlError            a URL that has no host, or cannot be dialled
    ├── CredentialError     an entry that is no credential, or cannot be sent
    ├── ProviderError       a provider that is here but broken
    │   ├── ProviderUnlisted    its entries cannot be listed, but can be asked for
    │   ├── ProviderMissing     its program, bus or file is missing
    │   ├── ProviderAmbiguous   it has several logins for a URL and chooses none
    │   └── StoreError          it cannot be written
    ├── SettingsError       a wrong option or environment variable
    ├── LoginError          a credential that its server refuses, or cannot check
    ├── DownloadError       a file that cannot be downloaded
    ├── S3Error             a request to a bucket that cannot be signed
    ├── ManifestError       a malformed project file
    └── InstallError        a session that has been prepared with other options

No message contains a secret, or the text of a file that may hold one.
"""

from __future__ import annotations


class AuthshimError(Exception):
    """The base class of all exceptions of authshim."""


class UrlError(AuthshimError, ValueError):
    """A URL that has no host, or cannot be dialled."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the URL {self.url}: {self.reason}"


class CredentialError(AuthshimError, ValueError):
    """An entry that is no credential, or has a value that cannot be sent."""


class ProviderError(AuthshimError):
    """A provider that is here but broken. The chain logs it once and asks the next provider."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(provider, reason)
        self.provider = provider
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read {self.provider}: {self.reason}"


class ProviderMissing(ProviderError):
    """A provider whose source is missing, such as a D-Bus session or a keyring command."""

    def __str__(self) -> str:
        return f"no {self.provider} here: {self.reason}"


class ProviderUnlisted(ProviderError):
    """A provider whose entries cannot be listed, but can be asked for by host."""

    def __str__(self) -> str:
        return f"cannot list {self.provider}: {self.reason}"


class ProviderAmbiguous(ProviderError):
    """A provider that has several logins for a URL and chooses none of them."""

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"


class StoreError(ProviderError):
    """A store that cannot be written. Its entries have not changed."""

    def __str__(self) -> str:
        return f"cannot write to {self.provider}: {self.reason}"


class SettingsError(AuthshimError, ValueError):
    """An option or an environment variable that has a wrong value, or is missing.

    Its name is empty if there are several.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        if not self.name:
            return self.reason
        return f"{self.name}: {self.reason}"


class LoginError(AuthshimError):
    """A credential that its server refuses or cannot check. It was not stored."""


class DownloadError(AuthshimError):
    """A file that cannot be downloaded. A file of its name has not changed."""

    def __init__(self, url: str, reason: str, next_step: str) -> None:
        super().__init__(url, reason, next_step)
        self.url = url
        self.reason = reason
        self.next_step = next_step

    def __str__(self) -> str:
        return f"cannot get {self.url}: {self.reason}"


class S3Error(AuthshimError):
    """A request to a bucket that cannot be signed. Nothing was sent.

    :param is_unknown: True if pixi may sign it, because it needs no package that is missing here.
    """

    def __init__(
        self,
        url: str,
        reason: str,
        next_step: str,
        *,
        is_unknown: bool = False,
    ) -> None:
        super().__init__(url, reason, next_step)
        self.url = url
        self.reason = reason
        self.next_step = next_step
        self.is_unknown = is_unknown

    def __str__(self) -> str:
        return f"cannot sign a request for {self.url}: {self.reason}"


class ManifestError(AuthshimError):
    """A project file that cannot be read, or that pixi would refuse."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class InstallError(AuthshimError):
    """A session that ``install`` has prepared with other options."""
