"""Indexes whose files lie elsewhere: at a public host, a bucket, and a host with its own login.

What is recorded, and whom it follows:

- Links may lead anywhere, as those of pypi.org's pages do: python-poetry/poetry issue 2507.
  *public* is an index with such a host behind it.
- A page may hold presigned URLs: pypicloud's page "Why you should set redirect_urls = True".
  *signed* is so.
- A host that wants a login gets that of its own name from netrc: pip's page "Authentication".
  *private* leads there.
"""

from __future__ import annotations

from replay import s3
from replay.recording import Door, Route, Secret, Service, content, page
from servers import CHALLENGE, Answer

HOST = "index.acme.example"
PUBLIC, BUCKET, PRIVATE = "cdn.acme.example", "acme-wheels.s3.amazonaws.com", "files.acme.example"
PUBLIC_INDEX, SIGNED_INDEX, PRIVATE_INDEX = (
    f"https://{HOST}/{name}/simple/" for name in ("public", "signed", "private")
)

ADA = Secret("s3cret-ada", (HOST,), "ada")
"""Of the index."""
FILES = Secret("s3cret-files", (PRIVATE,), "files")
"""Of the host of the files of *private*."""
ANYBODY = Secret("s3cret-anybody", (), "anybody")
"""What netrc has for every host that it does not name: it is shown to nobody who does not ask."""


def _door(secret: Secret) -> Door:
    return Door((secret,), nobody=CHALLENGE, stranger=CHALLENGE)


SERVICE = Service(
    "files at another host",
    (
        Route(
            HOST,
            "/{index}/simple/",
            Answer(200, b"<!DOCTYPE html>", {"Content-Type": "text/html"}),
            _door(ADA),
        ),
        Route(
            HOST, "/public/simple/{project}/", page(f"https://{PUBLIC}/wheels/{{file}}"), _door(ADA)
        ),
        Route(
            HOST,
            "/signed/simple/{project}/",
            page(f"https://{BUCKET}/{{file}}?{s3.QUERY}"),
            _door(ADA),
        ),
        Route(
            HOST,
            "/private/simple/{project}/",
            page(f"https://{PRIVATE}/wheels/{{file}}"),
            _door(ADA),
        ),
        Route(PUBLIC, "/wheels/{file}", content),
        s3.bucket(BUCKET, "/{file}"),
        Route(PRIVATE, "/wheels/{file}", content, _door(FILES)),
    ),
    (ADA, FILES, ANYBODY),
)
