"""The reference has every option, variable and key, and ``--help`` ends with right examples."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from authshim.cli import _parser, main
from authshim.cli.examples import EXAMPLES
from authshim.settings import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Recorder

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "authshim").rglob("*.py"))


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser, and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


PARSERS = list(parsers(_parser()))


def squeezed(text: str) -> str:
    """Return a text without markup, and with one blank for any number."""
    return " ".join(re.sub(r"\\(.)|``", r"\1", text).split())


def section_of(name: str) -> str:
    """Return the section of a command on the page of the commands."""
    page = (DOCS / "reference" / "commands.rst").read_text(encoding="utf-8")
    return page.split(f"\n{name}\n{'-' * len(name)}\n")[1].split("\n---")[0]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_reference_has_all_that_the_help_has(parser: argparse.ArgumentParser) -> None:
    section = squeezed(section_of(parser.prog))
    helped = parser.format_help()
    columns = re.findall(r"^  (-.*?)(?:  |$)", helped, re.MULTILINE)
    options = {word for column in columns for word in re.findall(r"(?<!\w)--?\w[-\w]*", column)}
    assert "--help" in options
    everywhere = {"-h", "--help", "-v", "--verbose", "-q", "--quiet"}
    assert [word for word in options - everywhere if f"{word} " not in f"{section} "] == []
    assert squeezed(parser.description or "?") in section


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_help_ends_with_two_examples_and_a_page(parser: argparse.ArgumentParser) -> None:
    examples = EXAMPLES[parser.prog]
    assert parser.format_help().endswith(
        f"\nexamples:\n  {examples.lines[0]}\n  {examples.lines[1]}\n\npage: {examples.url}\n"
    )
    assert (DOCS / f"{examples.page}.rst").is_file()


def test_no_example_is_of_a_command_that_is_gone() -> None:
    assert set(EXAMPLES) == {parser.prog for parser in PARSERS}


@pytest.mark.parametrize("line", [line for each in EXAMPLES.values() for line in each.lines])
def test_example_of_the_help_is_a_command_line(line: str) -> None:
    typed = re.search(r"authshim ([^|>)]*)", line)
    assert typed
    _, unknown = _parser().parse_known_args(shlex.split(typed[1]))
    assert unknown == []


# Environment variables

_READ = re.compile(r"""environ(?:\.get)?[(\[]\s*["']([A-Z][A-Z0-9_]+)["']""")


def test_reference_lists_each_variable_that_the_code_reads() -> None:
    page = (DOCS / "reference" / "environment.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"``([A-Z_]+)``", page))
    read = {*_READ.findall(SOURCE), *NAMES}
    read |= set(re.findall(r'"((?:AUTHSHIM|PIXI|RATTLER|UV|PIP|POETRY)_[A-Z_]+)"', SOURCE))
    assert {name for name in read if not name.endswith("_")} - listed == set()
    of_families = re.compile(r".*_PROXY|(UV_INDEX|POETRY_HTTP_BASIC|PIP|PDM_PYPI)_.*")
    assert {
        name for name in listed if name not in SOURCE and not of_families.fullmatch(name)
    } == set()


def test_reference_lists_each_variable_once() -> None:
    page = (DOCS / "reference" / "environment.rst").read_text(encoding="utf-8")
    terms = re.findall(r"^``.*", page, re.MULTILINE)
    listed = re.findall(r"``([A-Z_]+)``", "\n".join(terms))
    assert sorted(listed) == sorted(set(listed))


# What --json prints

PROJECT = """\
[workspace]
name = "demo"
channels = ["{url}/channel"]
platforms = ["linux-64"]

[pypi-options]
index-url = "{url}/simple"

[pypi-dependencies]
demo = "*"
here = {{ path = "." }}
"""


def schema(name: str) -> Any:
    """Return a schema that refuses a key which it does not describe."""
    found = json.loads((DOCS / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    _close(found)
    return found


def _close(part: Any) -> None:
    if isinstance(part, dict):
        if "properties" in part:
            part["additionalProperties"] = False
        for below in part.values():
            _close(below)


@pytest.fixture
def project(recorder: Recorder, home: Path) -> None:
    """A project, and a login of each kind."""
    Path("pixi.toml").write_text(PROJECT.format(url=recorder.url), encoding="utf-8")
    entries = {
        "127.0.0.1": {"BasicHTTP": {"username": "ada", "password": "s3cret"}},
        "*.h.example": {"BearerToken": "s3cret"},
    }
    (home / ".rattler").mkdir()
    (home / ".rattler" / "credentials.json").write_text(json.dumps(entries), encoding="utf-8")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("check", ["check"]),
        ("resolve", ["resolve"]),
        ("status", ["auth", "status"]),
        ("status", ["auth", "status", "h.example"]),
        ("doctor", ["doctor"]),
    ],
)
def test_json_of_a_command_is_that_of_its_schema(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*words, "--json"])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema(name))


def test_each_command_with_json_has_a_schema() -> None:
    commands = {
        parser.prog.split()[-1]
        for parser in PARSERS
        if any("--json" in action.option_strings for action in parser._actions)
    }
    assert commands == {path.stem for path in (DOCS / "schemas").glob("*.json")}
