"""Projects of uv, pip, poetry and pdm: any content is read, or refused without naming a secret."""

from __future__ import annotations

import os
import re

from fuzz.promises import assert_sentences, assert_untold, attempt, file, innocent

from authshim.errors import ManifestError
from authshim.project.manifest import Manifest

WORDS = [
    *(b"[tool.uv]\n", b"[[tool.uv.index]]\n", b"[tool.uv.sources]\n", b"[tool.uv.workspace]\n"),
    *(b"[[tool.poetry.source]]\n", b"[tool.poetry.dependencies]\n", b"[tool.poetry]\n"),
    *(b"[[tool.pdm.source]]\n", b"[tool.pdm]\n", b"[project]\n", b"[http-basic.acme]\n"),
    *(b"[pypi]\n", b"[pypi.acme]\n", b"[[index]]\n", b"[tool.pixi.workspace]\n"),
    *(
        b"name = 'acme'\n",
        b"url = ",
        b"explicit = ",
        b"default = ",
        b"authenticate = ",
        b"index = ",
    ),
    *(b"username = ", b"password = ", b"priority = ", b"source = ", b"dependencies = ", b"type = "),
    *(b"index-url = ", b"extra-index-url = ", b"find-links = ", b"ignore-error-codes = "),
    *(b"'https://ada:s3cret@h.example/simple'\n", b"'${A}'\n", b"'acme'\n", b"true\n", b"[401]\n"),
    *(b"-i ", b"--index-url=", b"--extra-index-url ", b"-r ", b"-c ", b"-f ", b"--pre", b"\\\n"),
    *(
        b"requirements.txt",
        b"https://ada:s3cret@h.example/",
        b"demo>=1",
        b"${A}",
        b" #",
        b"'",
        b'"',
    ),
    *(b"[", b"]", b"{", b"}", b",", b"=", b"\n", b" ", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\x85"),
]

_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "PIP_INDEX_URL", "PDM_PYPI_URL", "A")
_LOGINS = ("UV_INDEX_ACME_PASSWORD", "POETRY_HTTP_BASIC_ACME_PASSWORD", "PDM_PYPI_PASSWORD")


def check(data: bytes) -> None:
    """Read ``data`` as the file and as the variables of each tool, then as a part of a URL."""
    text = data.decode("latin-1").replace("\0", "")
    project, requirements = file("pyproject.toml", data), file("requirements.txt", data)
    for tool in ("uv", "poetry", "pdm"):
        _read(project, tool, {})
    _read(requirements, "pip", {"A": text})
    path = file("uv.toml", data)
    _read(path, "uv", {"UV_CONFIG_FILE": path, **dict.fromkeys(_LOGINS, text or "x")})
    os.remove(path)
    _read(project, "pdm", {"PDM_CONFIG_FILE": file("config.toml", data)})
    _read(project, "poetry", {"POETRY_CONFIG_DIR": os.path.dirname(file("auth.toml", data))})
    for tool in ("uv", "pip", "pdm"):
        _read(project, tool, dict.fromkeys(_VARIABLES, text))
    _planted(innocent(text.partition("\n")[0]))


def _read(path: str, tool: str, environ: dict[str, str]) -> tuple[Manifest | None, str]:
    nowhere = os.path.join(os.path.dirname(path), "nowhere")
    folders = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "APPDATA"), nowhere)
    manifest, said = attempt(
        lambda: Manifest.load(path, tool, environ={**folders, **environ}), ManifestError
    )
    if manifest is None:
        return None, said
    assert_sentences(manifest.warnings)
    places = [*manifest.indexes(), *manifest.own_indexes()]
    assert not any(re.match(r"[^:]*://[^/?#\\]*@", place.url) for place in places), "userinfo"
    assert all(manifest.places(places))
    attempt(manifest.dependencies, ManifestError)
    return manifest, ""


def _planted(text: str) -> None:
    """Put the text behind the userinfo of a URL with a secret in it."""
    line = f"-i https://ada:s3cret@h.example/{text}\n"
    manifest, said = _read(file("requirements.txt", line.encode()), "pip", {})
    assert_untold(said)
    if manifest is not None:
        assert_untold(manifest, *manifest.indexes(), *manifest.places(manifest.indexes()))
