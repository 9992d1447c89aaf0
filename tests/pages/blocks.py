"""The blocks of a page of reStructuredText: code, typed lines, files, and remarks for the tests.

A comment, which no reader sees, is for the tests::

    .. first: $ authshim auth login h.example --username ada

A block of a file's content follows a paragraph that is its name::

    ``~/.netrc``:

    .. code-block:: text
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]

_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. (?:(?P<comment>first):(?P<remark>.*)"
    r"|code-block:: (?P<language>[\w-]+))\n"
    r"(?P<body>(?:(?:(?P=indent) +.*)?\n)*)",
    re.MULTILINE,
)
_DEMO = "authshim demo"
"""The command that prints commands of its own."""
_NAMED = re.compile(r"\n\n *``([^`\s]+)``:\n\s*\Z")


class Block(NamedTuple):
    """A block, or a remark."""

    page: Path
    line: int
    kind: str
    """The language of code, or "first"."""
    text: str
    named: str = ""
    """The file that the paragraph before it names."""

    @property
    def path(self) -> str:
        """The path of the page, from the root of the project."""
        return self.page.relative_to(ROOT).as_posix()

    @property
    def place(self) -> str:
        """The page and the line."""
        return f"{self.path}:{self.line}"


class Command(NamedTuple):
    """A command that a reader types, and the lines that it prints."""

    typed: str
    shown: tuple[str, ...]


def blocks(page: Path) -> list[Block]:
    """Return the blocks and remarks of a page, in order."""
    text = page.read_text(encoding="utf-8") + "\n"
    return [_block(page, text, found) for found in _BLOCK.finditer(text)]


def _block(page: Path, text: str, found: re.Match[str]) -> Block:
    line = text.count("\n", 0, found.start()) + 1
    body = textwrap.dedent(found["body"]).strip("\n")
    if found["comment"]:
        remark = f"{found['remark'].strip()}\n{body}".strip()
        return Block(page, line, found["comment"], remark)
    named = _NAMED.search(text[: found.start()])
    return Block(page, line, found["language"], body, named[1] if named else "")


def commands(text: str) -> list[Command]:
    r"""Return the commands of a console block.

    >>> commands("$ echo a \\\n  b\na b\n$ true")
    [Command(typed='echo a   b', shown=('a b',)), Command(typed='true', shown=())]
    """
    found: list[tuple[str, list[str]]] = []
    is_open = False
    for line in text.splitlines():
        if line.startswith("$ ") and not (found and found[0][0] == _DEMO):
            found.append((line[2:], []))
        elif is_open:
            found[-1] = (found[-1][0] + line.rstrip(), [])
        elif found:
            found[-1][1].append(line)
        is_open = bool(found) and not found[-1][1] and found[-1][0].endswith("\\")
        if is_open:
            found[-1] = (found[-1][0][:-1], [])
    return [Command(typed, tuple(shown)) for typed, shown in found]


def is_like(shown: tuple[str, ...], printed: str) -> bool:
    """Return True if a text is the one shown: ``...`` stands for anything, blanks for blanks.

    >>> is_like(("let in (...)", "..."), "let  in (0.01 s)\\n\\nand more\\n")
    True
    >>> is_like(("let in",), "let in, and more")
    False
    """
    lines = _squeezed("\n".join(shown)).splitlines()
    return re.fullmatch("".join(map(_pattern, lines)), f"{_squeezed(printed)}\n") is not None


def _pattern(line: str) -> str:
    """Return the pattern of a line; a line of dots alone stands for any number of lines."""
    if line == "...":
        return r"(?:.*\n)*"
    return ".*".join(re.escape(part) for part in line.split("...")) + r"\n"


def _squeezed(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return "\n".join(line for line in lines if line)
