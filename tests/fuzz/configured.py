"""pip's and uv's configuration: a file's logins can be sent, or the file is a problem."""

from __future__ import annotations

import os

from fuzz.promises import assert_sentences, assert_untold, attempt, file

from authshim.errors import ProviderError
from authshim.lookup.user_indexes import UserIndexes
from authshim.providers.configured import ConfiguredLogins
from authshim.urls import PREFIX, Key, parse

WORDS = [
    *(b"[global]\n", b"[install]\n", b"index-url = ", b"extra-index-url = ", b"find-links = "),
    *(b"[[index]]\n", b'url = "', b'"\n', b'name = "a"\n', b"default = true\n", b"index = [", b"]"),
    *(
        b"https://",
        b"ada:",
        b"s3cret@",
        b"h.example",
        b":8443",
        b"/simple",
        b"/a/",
        b"%40",
        b"${A}",
    ),
    *(b"\n", b"  ", b"%(x)s", b"#", b"=", b"'''", b"\x00", b"\xff", b"\xef\xbb\xbf", "ü".encode()),
]


def check(data: bytes) -> None:
    """Read ``data`` as pip's file, as uv's, and as a variable of each."""
    text = data.decode("latin-1").replace("\0", "")
    pip, uv = file("pip.conf", data), file("uv.toml", data)
    _read({"PIP_CONFIG_FILE": pip})
    _read({"UV_CONFIG_FILE": uv})
    _read({"PIP_INDEX_URL": text, "UV_INDEX": text})
    written = f"[global]\nindex-url = https://ada:s3cret@h.example/{text}".encode()
    provider = _read({"PIP_CONFIG_FILE": file("planted.conf", written)})
    if b"s3cret" not in data:
        assert_untold(provider, *provider.problems)


def _read(environ: dict[str, str]) -> ConfiguredLogins:
    nowhere = os.path.join(os.path.dirname(file("x", b"")), "nowhere")
    folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "APPDATA"), nowhere)
    provider = ConfiguredLogins(UserIndexes({**folders, **environ}))
    entries, _ = attempt(provider.entries, ProviderError)
    assert_sentences(provider.problems)
    for entry in entries or []:
        assert parse(entry.key).prefix == entry.key
        assert entry.credential.header.isprintable()
        assert provider.find(Key(entry.key, PREFIX), entry.username) is not None
    return provider
