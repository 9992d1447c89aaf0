"""Every error of authshim.

::

    AuthshimError
    ├── UrlError            a URL that has no host, or one that cannot be dialled
    ├── CredentialError     an entry that is no credential, or cannot stand in a request
    ├── ProviderError       a provider is here but broken
    │   ├── ProviderUnlisted    it answers for a host, but cannot say for which ones
    │   ├── ProviderMissing     its program, bus or file is not here, although it was expected
    │   └── StoreError          it cannot be written
    ├── SettingsError       an option, or a variable of the environment, that is wrong
    ├── LoginError          a server does not take what it was given, or cannot be asked
    ├── DownloadError       a file cannot be had
    ├── ManifestError       the project's file is wrong
    └── InstallError        a session was prepared before, in another way

No message holds a secret, nor the text of a file that may hold one.
"""

from __future__ import annotations


class AuthshimError(Exception):
    """The root of the tree."""


class UrlError(AuthshimError, ValueError):
    """A URL that has no host, or one that cannot be dialled."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the URL {self.url}: {self.reason}"


class CredentialError(AuthshimError, ValueError):
    """An entry that is no credential, or a value that cannot stand in a request."""


class ProviderError(AuthshimError):
    """A provider is here but broken; the chain says so once and asks the next one."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(provider, reason)
        self.provider = provider
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read {self.provider}: {self.reason}"


class ProviderMissing(ProviderError):
    """What a provider reads is not here: no D-Bus session, no keyring command."""

    def __str__(self) -> str:
        return f"no {self.provider} here: {self.reason}"


class ProviderUnlisted(ProviderError):
    """What a provider keeps cannot be listed; it answers for a host that is named."""

    def __str__(self) -> str:
        return f"cannot list {self.provider}: {self.reason}"


class StoreError(ProviderError):
    """A provider cannot be written; what it kept before, it keeps."""

    def __str__(self) -> str:
        return f"cannot write to {self.provider}: {self.reason}"


class SettingsError(AuthshimError, ValueError):
    """An option, or a variable of the environment, has a value that cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class LoginError(AuthshimError):
    """A server that has to confirm a credential does not, or cannot be asked; nothing was stored."""


class DownloadError(AuthshimError):
    """A file cannot be had; what was under its name is there as before."""

    def __init__(self, url: str, reason: str, next_step: str) -> None:
        super().__init__(url, reason, next_step)
        self.url = url
        self.reason = reason
        self.next_step = next_step

    def __str__(self) -> str:
        return f"cannot get {self.url}: {self.reason}"


class ManifestError(AuthshimError):
    """The project's file cannot be read, or says what pixi would refuse."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class InstallError(AuthshimError):
    """``install`` met a session that it had prepared with other options."""
