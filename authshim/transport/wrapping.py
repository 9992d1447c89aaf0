"""An adapter around another adapter, whose attributes it shows as its own.

A program sets ``session.get_adapter(url).max_retries``, or reads ``.cache``, and means the adapter
that it has mounted. Therefore the wrapper has no settings and no connections of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

_METHODS = tuple(name for name in vars(HTTPAdapter) if not name.startswith("__"))
"""The attributes of the class HTTPAdapter: Python finds them before ``__getattr__``."""


class WrappingAdapter(HTTPAdapter):
    """An HTTPAdapter that stands in for ``inner``, if there is one.

    Reading, setting or deleting an attribute then reaches ``inner``. The exceptions are the
    attributes that a subclass defines, and the names in ``_own``.
    """

    inner: BaseAdapter | None
    _own: frozenset[str] = frozenset({"inner"})
    """The instance attributes that belong to the wrapper."""

    def __init__(
        self,
        inner: BaseAdapter | None,
        **http_adapter_options: Any,
    ) -> None:
        """Wrap an adapter; without one, do what HTTPAdapter does with these options."""
        self.inner = inner
        if inner is None:
            super().__init__(**http_adapter_options)

    def close(self) -> None:
        """Close the connections."""
        if self.inner is None:
            super().close()
        else:
            self.inner.close()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that only the wrapped adapter has."""
        inner = vars(self).get("inner")
        if inner is None or name.startswith("__"):
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
        return getattr(inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        inner = vars(self).get("inner")
        if inner is None or self._is_own(name):
            super().__setattr__(name, value)
        else:
            setattr(inner, name, value)
        is_method = inner is not None and name in _METHODS
        if name == "inner" or is_method:
            self._show_methods()

    def __delattr__(self, name: str) -> None:
        inner = vars(self).get("inner")
        if inner is None or self._is_own(name):
            super().__delattr__(name)
            return
        delattr(inner, name)
        if name in _METHODS:
            self._show_methods()

    def __getstate__(self) -> dict[str, Any]:
        if self.inner is None:
            whole: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
            return whole
        state = {}
        for name in self.__attrs__:
            if name not in HTTPAdapter.__attrs__:
                state[name] = getattr(self, name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.inner = state["inner"]
        if self.inner is None:
            super().__setstate__(state)  # type: ignore[misc]
            return
        for name, value in state.items():
            setattr(self, name, value)

    def _is_own(self, name: str) -> bool:
        """Tell if an attribute belongs to the wrapper or to a subclass of it."""
        if name in self._own:
            return True
        for base in type(self).__mro__:
            if base is HTTPAdapter:
                return False
            if name in vars(base):
                return True
        return False

    def _show_methods(self) -> None:
        """Put the methods of ``inner`` before those of the class HTTPAdapter.

        ``inner`` may override them: an adapter with a TLS context of its own overrides
        ``init_poolmanager``. They are set once, since ``send`` calls many of them.
        """
        shown = vars(self)
        for name in _METHODS:
            if self._is_own(name):
                continue
            shown.pop(name, None)
            if hasattr(self.inner, name):
                shown[name] = getattr(self.inner, name)
