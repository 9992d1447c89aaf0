"""anaconda.org: the private channel *acme*, and conda-forge, which is everybody's.

What is recorded, and whom it follows:

- A token stands in the path, ``conda.anaconda.org/t/TOKEN/CHANNEL``: pixi's page "Authentication".
- A token that is wrong gets 401: conda/conda issue 5064. Who shows none for a private channel is
  told the same here.
- ``repodata.json`` comes from the server itself; a package is a 302 to a presigned URL of the
  bucket below: Anaconda-Platform/support issue 115.
"""

from __future__ import annotations

from replay import s3
from replay.channels import served
from replay.recording import Door, Route, Secret, Service
from servers import Answer

HOST, BUCKET = "conda.anaconda.org", "binstar-cio-packages-prod.s3.amazonaws.com"
CHANNEL, OPEN_CHANNEL = f"https://{HOST}/acme", f"https://{HOST}/conda-forge"

TOKEN = Secret("ac-s3cret-token", (HOST,), in_path=True)

_UNKNOWN = Answer(401, b"")
_PRIVATE = Door((TOKEN,), nobody=_UNKNOWN, stranger=_UNKNOWN)
_PUBLIC = Door((TOKEN,), nobody=None, stranger=_UNKNOWN)


def _channel(name: str, door: Door) -> tuple[Route, ...]:
    answer = served(packages=s3.presigned(f"https://{BUCKET}/570e8146/{{file}}"))
    return tuple(
        Route(HOST, f"{base}/{name}/{{subdir}}/{{file}}", answer, door)
        for base in ("", "/t/{token}")
    )


SERVICE = Service(
    "anaconda.org",
    (
        *_channel("acme", _PRIVATE),
        *_channel("conda-forge", _PUBLIC),
        s3.bucket(BUCKET, "/570e8146/{file}"),
    ),
    (TOKEN,),
)
