"""The peers that are installed, each as a function that fetches one URL over a given transport.

Their parts are private, and move; a peer that cannot be made as it is made here is "not here".
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchmarks.scene import HOST, PASSWORD, URL, USER, Canned

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[[str], Any]


def versions() -> str:
    """Tell what is measured here, and of which version."""
    found = []
    for name in ("requests", "urllib3", "pip", "httpx", "unearth", "poetry", "uv"):
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def made(
    make: Callable[..., Fetch], *options: Any, trial: str = URL, name: str = ""
) -> Fetch | None:
    """Return a peer, or None if it is not installed or has other parts than it had.

    :param name: the name of the peer in the message; otherwise it is that of ``make``.
    """
    try:
        fetch = make(*options)
        fetch(trial)
    except Exception as error:  # noqa: BLE001 - whatever broke, the rest of the table stands
        shown = name or make.__name__
        print(f"{shown} is not here: {type(error).__name__}: {error}", file=sys.stderr)
        return None
    return fetch


def pip_session(
    index: str = "", *, threads: int = 1, canned: bool = False, keyring: bool = False
) -> Any:
    """Return pip's session for an index, asking nobody."""
    from pip._internal.network.session import PipSession
    from pip._vendor.requests.adapters import HTTPAdapter
    from pip._vendor.urllib3 import HTTPResponse

    class _Canned(HTTPAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            import io

            raw = HTTPResponse(
                io.BytesIO(b"ok"), {"Content-Type": "text/html"}, 200, preload_content=False
            )
            return self.build_response(request, raw)

    logging.getLogger("pip").setLevel(logging.CRITICAL)  # it warns of each 401
    session = PipSession(index_urls=[index] if index else [])
    session.auth.prompting = False
    session.auth.keyring_provider = "subprocess" if keyring else "disabled"
    for prefix in ("https://", "http://"):
        session.mount(prefix, _Canned() if canned else HTTPAdapter(pool_maxsize=threads))
    return session


def pip(index: str) -> Fetch:
    """pip, which keeps what an index URL holds."""
    return pip_session(index, canned=True).get  # type: ignore[no-any-return]


def unearth(index: str) -> Fetch:
    """unearth, which is pdm's finder."""
    from unearth.auth import MultiDomainBasicAuth

    module = _unearths_httpx()
    auth = MultiDomainBasicAuth(prompting=False, index_urls=[index])
    return module.Client(transport=_canned(module), auth=auth).get  # type: ignore[no-any-return]


def unearth_plain() -> Fetch:
    """The client that unearth is made of, without credentials."""
    module = _unearths_httpx()
    return module.Client(transport=_canned(module)).get  # type: ignore[no-any-return]


def _unearths_httpx() -> Any:
    from unearth.auth import MultiDomainBasicAuth

    return sys.modules[MultiDomainBasicAuth.__mro__[1].__module__.partition(".")[0]]


def poetry(_: str) -> Fetch:
    """poetry's authenticator, with credentials in its environment."""
    os.environ.update(
        POETRY_REPOSITORIES_DEMO_URL=f"https://{HOST}/simple/",
        POETRY_HTTP_BASIC_DEMO_USERNAME=USER,
        POETRY_HTTP_BASIC_DEMO_PASSWORD=PASSWORD,
    )
    from poetry.config.config import Config
    from poetry.utils.authenticator import Authenticator

    config = Config.create(reload=True)
    config.merge({"repositories": {"demo": {"url": f"https://{HOST}/simple/"}}})
    authenticator = Authenticator(config, disable_cache=True)
    session = authenticator.get_session(f"https://{HOST}/")
    for prefix in ("https://", "http://"):
        session.mount(prefix, Canned())
    return authenticator.get  # type: ignore[no-any-return]


def httpx(netrc: str) -> Fetch:
    """httpx with its NetRCAuth, which reads the file once."""
    import httpx as module

    return module.Client(transport=_canned(module), auth=module.NetRCAuth(netrc)).get


def httpx_plain() -> Fetch:
    """httpx without credentials."""
    import httpx as module

    return module.Client(transport=_canned(module)).get


def run_uv(*words: str) -> None:
    """Run uv, the program; what it says and whether it succeeds does not matter.

    :raises FileNotFoundError: it is not installed.
    """
    here = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    uv = shutil.which("uv", path=here)
    if uv is None:
        raise FileNotFoundError("it is not on the PATH")
    subprocess.run([uv, *words], capture_output=True, check=False, timeout=120)


def _canned(module: Any) -> Any:
    """Answer at once, with a transport of httpx or of a fork of it."""
    return module.MockTransport(
        lambda _: module.Response(200, content=b"ok", headers={"Content-Type": "text/html"})
    )
