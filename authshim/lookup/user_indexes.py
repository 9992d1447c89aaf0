"""A reader of the logins that the user's configuration of pip and uv has for its indexes.

1. The files and variables are read as ``project`` reads them. Those of a project do not count.
2. An index without a password has no login: a username alone is for the keyring command.
3. A login serves its index: the URL less a trailing ``/simple``, but never a whole host for it.
4. Nothing is parsed if no file and no variable has an ``@``, and no variable is a password.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from authshim.credentials import BasicHTTP
from authshim.errors import CredentialError, ProviderError
from authshim.files import MAX_TOML_BYTES, Unreadable, read_text
from authshim.project.config_files import pip_files, uv_files
from authshim.providers.url_logins import Login, prefix_of
from authshim.urls.paths import index_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from authshim.project.declaring import DeclaredIndexes
    from authshim.project.repositories import Index

NAME = "pip and uv configuration"


class UserIndexes:
    """A reader of the configuration. A copy in another process reads its own environment.

    :param environ: in place of ``os.environ``.
    :param told: the problems that are logged already.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        told: Sequence[str] = (),
    ) -> None:
        self._environ = environ
        self._told = tuple(told)

    def files(self) -> list[str]:
        """Return the candidates for the files of pip, and then those of uv."""
        environ = self._variables()
        return [*pip_files(environ), *uv_files(environ)]

    def logins(self) -> tuple[list[Login], list[str]]:
        """Return the logins, and a sentence about each malformed value.

        :raises ProviderError: a variable has a value that uv refuses.
        """
        if not self._may_have_login():
            return [], []
        logins: list[Login] = []
        problems: list[str] = []
        for declared in self._declared():
            problems += declared.problems
            every = (*declared.searched, *declared.flat, *declared.explicit)
            for index in every:
                try:
                    logins += _login_of(index)
                except CredentialError as error:
                    problems.append(f"{_place(index)}: {error}")
        new = [problem for problem in problems if problem not in self._told]
        return logins, new

    def _declared(self) -> Iterator[DeclaredIndexes]:
        from authshim.project import pip, uv
        from authshim.project.toml import TableError

        environ = self._variables()
        yield pip.read_user(environ)
        try:
            yield uv.read_user(environ)
        except TableError as error:
            raise ProviderError(NAME, str(error)) from None

    def _may_have_login(self) -> bool:
        environ = self._variables()
        for name, text in environ.items():
            if _may_be_login(name, text):
                return True
        texts = map(_text, self.files())
        return any("@" in text for text in texts)

    def _variables(self) -> Mapping[str, str]:
        if self._environ is None:
            return os.environ
        return self._environ

    def __getstate__(self) -> dict[str, Any]:
        # A variable may hold a secret, and a pickle holds none.
        return {"_environ": None, "_told": self._told}


def _may_be_login(variable: str, text: str) -> bool:
    if not variable.startswith(("PIP_", "UV_")):
        return False
    return "@" in text or variable.endswith("_PASSWORD")


def _text(path: str) -> str:
    try:
        return read_text(path, limit=MAX_TOML_BYTES) or ""
    except Unreadable:
        # Its reader tells the reason.
        return "@"


def _login_of(index: Index) -> Iterator[Login]:
    """Yield the login of an index, if it has one.

    :raises CredentialError: it cannot be sent.
    """
    key = _key(index)
    if index.password is None or not key:
        return
    if index.declaration.authenticate == "never":
        return
    if index.placeholder:
        raise CredentialError(f"{index.placeholder} is not filled in")
    credential = BasicHTTP(index.username or "", index.password)
    yield Login(key, credential, _place(index))


def _key(index: Index) -> str:
    """Return the prefix of the URLs that an index serves."""
    whole = prefix_of(index.url)
    if index.flat:
        return whole
    root = index_root(whole)
    is_host = root.count("/") <= len("//")
    if is_host:
        return whole
    return root


def _place(index: Index) -> str:
    declaration = index.declaration
    return declaration.login_in or declaration.place
