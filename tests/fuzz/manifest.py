"""The manifest and pixi's configuration: all are read or refused, and no URL tells a password."""

from __future__ import annotations

import json
import re

from fuzz.promises import assert_sentences, assert_untold, attempt, file, innocent

from authshim import settings
from authshim.errors import ManifestError
from authshim.project.manifest import Manifest

WORDS = [
    *(
        b"[workspace]\n",
        b"[project]\n",
        b"[tool.pixi.workspace]\n",
        b"[pypi-options]\n",
        b"[feature.ml]\n",
    ),
    *(
        b"[environments]\n",
        b"[feature.ml.pypi-options]\n",
        b"[target.linux-64.pypi-dependencies]\n",
        b"[[tool.uv.index]]\n",
    ),
    *(
        b"[pypi-dependencies]\n",
        b"[dependency-groups]\n",
        b"[tool.pixi.pypi-options]\n",
        b"[dependencies]\n",
    ),
    *(
        b"channels = ",
        b"platforms = ",
        b"index-url = ",
        b"extra-index-urls = ",
        b"find-links = ",
        b"features = ",
    ),
    *(
        b"no-default-feature = ",
        b"priority = ",
        b"channel = ",
        b"version = ",
        b"env-markers = ",
        b"extras = ",
        b"index = ",
    ),
    *(
        b"python = ",
        b"requires-python = ",
        b"name = ",
        b"dependencies = ",
        b"include-group = ",
        b"index-strategy = ",
    ),
    *(
        b"authentication-override-file = ",
        b"[pypi-config]\n",
        b"keyring-provider = ",
        b"url = ",
        b"path = ",
    ),
    *(
        b'"https://ada:s3cret@h.example/simple"',
        b'"conda-forge"',
        b'"~/x"',
        b'"./x"',
        b'"*"',
        b'">=1.2,<2"',
        b'"3.12.*"',
    ),
    *(
        b"\"os_name ~= 'x'\"",
        b"\"python_version < '3'\"",
        b'"first-index"',
        b'"linux-64"',
        b'"ml"',
        b'"default"',
        b'"a[b] >1"',
    ),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"=",
        b".",
        b"'",
        b'"',
        b'"""',
        b"\n",
        b"# ",
        b"true",
        b"1",
        b"-1",
        b"1e9",
        b"inf",
    ),
    *(
        b"\\u001b",
        b"\\u202e",
        b"\\",
        b"a",
        b"a.a.a.a",
        b"1979-05-27",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\x85",
        b"/t/s3cret/x",
    ),
]

_PLANTED = """\
[workspace]
channels = [%s]
[pypi-options]
index-url = %s
extra-index-urls = [%s]
find-links = [{ url = %s }]
[pypi-dependencies]
a = { version = "*", index = %s }
"""


def check(data: bytes) -> None:
    """Read ``data`` as both manifests and a configuration, then as a part of a good one's URLs."""
    _read("pixi.toml", data)
    if b"tool" in data or b"project" in data:
        _read("pyproject.toml", data)
    path = file("config.toml", data)
    assert_sentences(settings.read({"PIXI_CONFIG_FILE": path, "HOME": "/nowhere"}).problems)
    _planted(data.decode("utf-8", "replace"))


def _read(name: str, data: bytes) -> tuple[Manifest | None, str]:
    manifest, said = attempt(lambda: Manifest.load(file(name, data)), ManifestError)
    if manifest is None:
        return None, said
    assert_sentences(manifest.warnings)
    for environment in (None, *manifest.environments[:3]):
        places = [
            *manifest.indexes(environment),
            *manifest.own_indexes(environment),
            *manifest.channels(environment),
        ]
        assert all(place.url.isprintable() or place.url for place in places)
        assert not any(re.match(r"[^:]*://[^/?#\\]*@", place.url) for place in places), "userinfo"
        dependencies, _ = attempt(
            lambda environment=environment: manifest.dependencies(environment), ManifestError
        )
        assert all(dependency.name for dependency in dependencies or ())
        if environment is not None:
            assert manifest.index_strategy(environment)
            assert manifest.target(environment).version
    return manifest, ""


def _planted(text: str) -> None:
    """Put the text into URLs: into the userinfo, beside a secret, and behind it."""
    user, _, rest = text.partition("@")
    user, rest = innocent(user.translate(dict.fromkeys(map(ord, "/?#\\"), ""))), innocent(rest)
    urls = [
        f"https://{user}:s3cret@h.example{rest}",
        f"https://s3cret:@h/{rest}",
        f"https://h/t/s3cret/{rest}",
    ]
    for url in urls:
        written = _PLANTED.replace("%s", json.dumps(url))
        manifest, said = _read("pixi.toml", written.encode("utf-8", "replace"))
        places = (
            []
            if manifest is None
            else [*manifest.indexes(), *manifest.channels(), *manifest.own_indexes()]
        )
        assert_untold(said, *map(repr, places))
