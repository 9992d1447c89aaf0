"""The generated parts of the documentation are those of the code."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fakes import chain_of

import authshim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Recorder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate() -> Iterator[Any]:
    """The module ``docs/generate.py``."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


def test_generated_files_are_up_to_date(generate: Any) -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, text in generate.files().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run python docs/generate.py"


def test_house_shows_each_module_of_the_package() -> None:
    picture = (ROOT / "docs" / "pictures" / "house.svg").read_text(encoding="utf-8")
    shown = set(re.findall(r"\w+", " ".join(re.findall(r"<text[^>]*>([^<]*)", picture))))
    rooms = [
        path for path in (ROOT / "authshim").iterdir() if path.suffix == ".py" or path.is_dir()
    ]
    files = [*rooms, *(ROOT / "authshim").glob("*/*.py")]
    names = {path.stem for path in files} - {"__init__", "__pycache__", "py"}
    assert names - shown == set()


def test_captions_of_the_way_fit_their_boxes(generate: Any) -> None:
    pictures = generate.pictures
    room = pictures.NARROW - pictures.LEFT - 3 * pictures.MARGIN
    longest = max(len(step.caption) for step in pictures.WAY)
    assert longest * pictures.CHARACTER <= room


def test_request_goes_the_way_of_the_picture(generate: Any, recorder: Recorder) -> None:
    called: list[str] = []

    def note(frame: Any, event: str, _argument: object) -> None:
        if event == "call":
            called.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}")

    chain = chain_of(authshim.BearerToken("s3cret"))
    with authshim.install(requests.Session(), chain) as session:
        sys.setprofile(note)
        try:
            session.get(f"{recorder.url}/x")
        finally:
            sys.setprofile(None)
    left = iter(called)
    way = [
        f"authshim.{step.module}.{step.function.split('.')[-1]}" for step in generate.pictures.WAY
    ]
    assert [name for name in way if name not in left] == []
