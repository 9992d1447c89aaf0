"""Every block of code, and every command with its output, in README.rst and docs/ is true."""

from __future__ import annotations

import doctest
import re
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING

import pages.blocks
import pytest
from pages.blocks import PAGES, ROOT, blocks, commands
from pages.not_run import NOT_RUN
from pages.programs import Store, store
from pages.reader import Reader
from pages.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Authority

pytestmark = [
    pytest.mark.clients,
    # An example closes no session, and the garbage collector finds it in any test.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_ANCHORED = re.compile(r"<(?!\w+:)([\w./-]+)#([\w-]+)>`_")
_HEADING = re.compile(r"^(\S.*)\n([-=.])\2+$", re.MULTILINE)


@pytest.fixture
def world(authority: Authority, tmp_path: Path) -> Iterator[World]:
    """All hosts."""
    made = World(authority, tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The packages that the pages install."""
    return store(tmp_path_factory.mktemp("wheels"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_of_a_page_are_true(
    page: Path, world: World, home: Path, packages: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reader(world, home, packages, monkeypatch).read(blocks(page))


def test_examples_of_the_parser_are_true() -> None:
    assert doctest.testmod(pages.blocks).failed == 0


def test_command_that_is_not_run_is_on_its_page() -> None:
    consoles = [block for page in PAGES for block in blocks(page) if block.kind == "console"]
    typed = [(block.path, command.typed) for block in consoles for command in commands(block.text)]
    stale = [
        (page, begins)
        for page, begins in NOT_RUN
        if sum(where == page and command.startswith(begins) for where, command in typed) != 1
    ]
    assert stale == []


def test_few_commands_are_not_run() -> None:
    assert len(NOT_RUN) < 10


def test_links_of_the_wheel_lead_to_files_at_its_address(packages: Store) -> None:
    (file,) = Path(packages.wheels).iterdir()
    with zipfile.ZipFile(file) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_string(wheel.read(name).decode())
    root = f"{metadata['Home-page']}/blob/main/"
    links = re.findall(r"<([^<>\s]+)>`_", metadata.get_payload())
    assert len(links) > 10
    assert [link for link in links if not link.startswith(root)] == []
    assert [link for link in links if not (ROOT / link[len(root) :]).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    links = re.findall(r"<(?!\w+:)([\w./-]+)(?:#[\w-]+)?>`_", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_anchor_of_each_link_is_a_heading_of_its_page() -> None:
    lost = []
    for page in PAGES:
        for link, anchor in _ANCHORED.findall(page.read_text(encoding="utf-8")):
            if anchor not in _headings(page.parent / link):
                lost.append(f"{page.name}: {link}#{anchor}")
    assert lost == []


def _headings(page: Path) -> set[str]:
    """Return the anchors that docutils makes of the headings of a page."""
    from docutils.nodes import make_id

    titles = [title for title, _ in _HEADING.findall(page.read_text(encoding="utf-8"))]
    return {make_id(title.replace("`", "")) for title in titles}
