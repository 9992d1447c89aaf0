"""The auth file: whatever it holds, it is read or refused, and no message tells a value."""

from __future__ import annotations

import json
import re

from fuzz.promises import assert_reason, assert_sentences, assert_untold, attempt, file

from authshim.credentials import (
    BasicHTTP,
    BearerToken,
    CondaToken,
    Credential,
    OAuth,
    S3Credentials,
)
from authshim.credentials.from_json import from_json
from authshim.errors import CredentialError, ProviderError
from authshim.providers.auth_file import AuthFile

WORDS = [
    *(
        b'"BearerToken"',
        b'"BasicHTTP"',
        b'"CondaToken"',
        b'"S3Credentials"',
        b'"OAuth"',
        b'"username"',
        b'"password"',
    ),
    *(
        b'"token_endpoint"',
        b'"access_token"',
        b'"refresh_token"',
        b'"expires_at"',
        b'"client_id"',
        b'"audience"',
    ),
    *(
        b'"h.example"',
        b'"*.h.example"',
        b'"h.example/a"',
        b'"*"',
        b'"https://ada:s3cret@h.example/"',
        '"münchen"'.encode(),
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b'"',
        b'\\"',
        b"\\u0000",
        b"\\ud800",
        b"\\n",
        b"\\",
        b"null",
        b"true",
        b"NaN",
    ),
    *(
        b"1",
        b"-1",
        b"1e999",
        b"1" * 400,
        b'"s3cret"',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xff",
        b" ",
        b"\n",
        b"//",
        b"'",
    ),
]

_KINDS = (BasicHTTP, BearerToken, CondaToken, S3Credentials, OAuth)
_REASON = re.compile(
    r"it is empty; write \{\} into it, or remove it"
    r"|it is not a JSON object|its JSON is nested too deeply"
    r"|it has a number that is too long"
    r"|line [0-9]+: the file ends too early; it was perhaps half written"
    r"|line [0-9]+: this is not JSON \([a-z][a-zA-Z0-9 \\',()-]*\)"
)


def check(data: bytes) -> None:
    """Read ``data`` as an auth file, and then as a secret in one that is in order."""
    provider = AuthFile(file("auth.json", data))
    found, said = attempt(provider.list, ProviderError)
    assert_sentences(provider.problems)
    if said:
        assert_reason(said, provider, _REASON)
        assert list(provider.path_keys()) == []
    for key, credential in (found or {}).items():
        assert provider.find(key) == credential
        _is_in_order(credential)
    _planted(data.decode("utf-8", "surrogateescape"))


def _is_in_order(credential: Credential) -> None:
    header = credential.header
    assert header is None or (header.isascii() and header.isprintable())
    assert from_json(json.loads(json.dumps(credential.to_json()))) == credential


def _planted(text: str) -> None:
    """Put a secret with the text around it into every field, and cut the file somewhere."""
    half = len(text) // 2
    secret = f"{text[:half]}s3cret{text[half:]}"
    for kind in _KINDS:
        bare = kind in (BearerToken, CondaToken)
        entry = {kind.__name__: secret if bare else dict.fromkeys(kind.fields, secret)}
        credential, said = attempt(lambda entry=entry: from_json(entry), CredentialError)
        assert_untold(said)
        if credential is not None and kind is not OAuth:
            shown = set(kind.shown)
            assert_untold(*(credential._shown(name) for name in kind.fields if name not in shown))
    written = json.dumps(
        {"h.example": {"BasicHTTP": {"username": "ada", "password": secret}}, "x": secret}
    ).encode()
    for cut in (len(written), len(written) * (len(text) % 97) // 97):
        provider = AuthFile(file("planted.json", written[:cut]))
        _, said = attempt(provider.list, ProviderError)
        assert_untold(said, provider, provider.problems)
