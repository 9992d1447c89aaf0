"""The base class of the kinds of credential."""

from __future__ import annotations

from typing import Any, ClassVar

from authshim.redact import MASK
from authshim.secret import SecretHolder


class Credential(SecretHolder):
    """A secret that proves to a server who its user is."""

    __slots__ = ("__weakref__", "header")

    fields: ClassVar[tuple[str, ...]]
    """The arguments of the constructor in order. Their names are those of rattler's JSON."""

    shown: ClassVar[frozenset[str]] = frozenset()
    """The fields that are not secret."""

    header: str | None
    """The ``Authorization`` header, or None if this kind has none."""

    def _freeze(self, header: str | None, **values: Any) -> None:
        object.__setattr__(self, "header", header)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def shown_username(self) -> str | None:
        """The username, or None if there is none or it is secret."""
        return None

    def wire_url(self, url: str) -> str:
        """Return the URL to send the request to."""
        return url

    def to_json(self) -> dict[str, Any]:
        """Return the entry of rattler's JSON, ``{"BearerToken": "..."}``, with the secret."""
        fields = {name: getattr(self, name) for name in self._written()}
        return {type(self).__name__: fields}

    def _written(self) -> tuple[str, ...]:
        return self.fields

    def _key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.fields)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        parts = [f"{name}={self._shown(name)}" for name in self._written()]
        arguments = ", ".join(parts)
        return f"{type(self).__name__}({arguments})"

    def _shown(self, name: str) -> str:
        # A debugger may ask in the middle of the constructor.
        value = getattr(self, name, None)
        if name in self.shown or value is None:
            return repr(value)
        return MASK

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __copy__(self) -> Credential:
        return self

    def __deepcopy__(self, memo: object) -> Credential:
        return self
