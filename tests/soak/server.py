"""A server that changes its password as soon as each of its clients has used the one before.

So no request can meet two changes, however slow the machine is. Two doors, each at a port of its
own; the password of each lies in a file. The server prints its ports. When its standard input ends,
it prints its counts and ends itself.

    python server.py FOLDER CLIENTS LEAST
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path


class Door:
    """Lets in who knows the password of the moment.

    :param least: how many requests each password is good for, at least.
    """

    def __init__(self, file: Path, clients: int, least: int) -> None:
        self.let_in = self.refused = self.passwords = 0
        self._file = file
        self._clients = clients
        self._least = least
        self._change()

    def _change(self) -> None:
        self.passwords += 1
        self._uses, self._users = 0, set()
        password = f"s3cret-{self.passwords}"
        self._header = b"Basic " + base64.b64encode(f"ada:{password}".encode())
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({"username": "ada", "password": password}))
        os.replace(new, self._file)

    def opens(self, header: bytes, client: bytes) -> bool:
        if header != self._header:
            self.refused += 1
            return False
        self.let_in += 1
        self._uses += 1
        self._users.add(client)
        if self._uses >= self._least and len(self._users) == self._clients:
            self._change()
        return True

    @property
    def figures(self) -> dict[str, int]:
        """The password of the moment counts once somebody has used it."""
        return {
            "let in": self.let_in,
            "refused": self.refused,
            "passwords": self.passwords - (self._uses == 0),
        }


class Connection(asyncio.Protocol):
    """A connection of HTTP/1.1 with keep-alive, for requests without a body.

    It answers with the name of the request.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._waiting = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._waiting = (self._waiting + data).split(b"\r\n\r\n")
        for head in heads:
            headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            name = headers[b"X-Name"]
            if self._door.opens(headers.get(b"Authorization", b""), name.partition(b"-")[0]):
                self._answer(b"200 OK", name)
            else:
                self._answer(b"401 No", b"who are you?")

    def _answer(self, status: bytes, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
        )


async def serve(folder: Path, clients: int, least: int) -> None:
    loop = asyncio.get_running_loop()
    doors = [Door(folder / f"{name}.json", clients, least) for name in ("vault", "keyring")]
    servers = [
        await loop.create_server(lambda door=door: Connection(door), "127.0.0.1", 0, backlog=1024)
        for door in doors
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps([door.figures for door in doors]), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
