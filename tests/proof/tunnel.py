"""A proxy that tunnels: it notes what it is asked for, and sees nothing of what passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Callable


class Tunnel:
    """Answers CONNECT, and leads to the port of this machine that ``route`` names for a host."""

    def __init__(self, route: Callable[[str], int]) -> None:
        self.heads: list[str] = []
        self._route = route
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        # Closing alone does not wake the thread that waits in accept().
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(30)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1) or b"\r\n\r\n"
            self.heads.append(head.decode("latin-1"))
            method, target, *_ = self.heads[-1].split()
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(
                ("127.0.0.1", self._route(target.rpartition(":")[0]))
            ) as server:
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                back.start()
                _pass_on(client, server)
                back.join(30)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    target.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, True
    )  # else Nagle keeps what is short for 40 ms
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
