"""Lets a Python reach the servers of the tests by name, as the DNS of a company would.

A Python imports it when it starts: by ``sitecustomize.py`` if ``PYTHONPATH`` has this folder, or by
``names.pth`` if its packages have copies of both. The programs of pipx read no ``PYTHONPATH``, and
Debian's Python has a ``sitecustomize.py`` of its own.
"""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "PAGES_PORTS"
"""The variable with the port of each ``name:port``, as JSON."""


def resolver(ports: Mapping[str, int]) -> Callable[..., Any]:
    """Return a ``getaddrinfo`` that knows some names and ports.

    It asks the machine's own for the others.
    """
    ask = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        number = ports.get(f"{host}:{port}")
        if number is None:
            return ask(host, port, *rest, **options)
        return ask("127.0.0.1", number, *rest, **options)

    return resolve


if VARIABLE in os.environ:
    socket.getaddrinfo = resolver(json.loads(os.environ[VARIABLE]))
