"""Two pictures drawn from the code: the house, and the way of a request.

Each box has a fill of its own under dark text, and each line is a grey that is seen on light paper
and on dark.
"""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"

WIDTH = 720
NARROW = 500
MARGIN = 12
LEFT = 60
LINE = 17
INK, FAINT, EDGE, WIRE = "#16202a", "#43525f", "#5d7a96", "#808a94"
FILLS = ("#dbe9f6", "#e4f0dc", "#f7ecd2", "#f3dfe4", "#e6e2f3")
CHARACTER = 7.25
"""The width of a letter of 12 points, in pixels."""

STYLE = """\
<style>
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: %s }
.name { font-weight: bold; font-size: 13px }
.faint { fill: %s }
rect { stroke: %s }
path { fill: none; stroke: %s; stroke-width: 2 }
</style>"""


# The house


def layers(text: str, container: str) -> list[list[str]]:
    """Return the layers of a container from the contracts, the highest first."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    for section in parser.values():
        is_its = section.get("containers", "").split() == [container]
        if is_its and section.get("type") == "layers":
            lines = section["layers"].strip().splitlines()
            return [[name.strip() for name in line.split("|")] for line in lines]
    return []


def house(contracts: str) -> str:
    """Return the picture of the packages: imports go downwards only."""
    drawing = _Drawing("The packages of authshim. Each may import those below it.", WIDTH)
    top = MARGIN
    for at, row in enumerate(layers(contracts, "authshim")):
        rooms = [_Room(name, _inside(contracts, name)) for name in row]
        top += _draw_row(drawing, rooms, top, FILLS[at % len(FILLS)])
    return drawing.svg(top)


class _Room(NamedTuple):
    """A package or module, and the modules in it."""

    name: str
    inside: list[str]


def _inside(contracts: str, name: str) -> list[str]:
    found = layers(contracts, f"authshim.{name}")
    return [module for row in found for module in row]


def _draw_row(drawing: _Drawing, rooms: list[_Room], top: int, fill: str) -> int:
    """Draw the rooms of one layer side by side, and return the height that they take."""
    width = (WIDTH - MARGIN * (len(rooms) + 1)) // len(rooms)
    texts = [_wrapped(room.inside, width - 2 * MARGIN) for room in rooms]
    height = LINE * (2 + max(len(lines) for lines in texts))
    for at, (room, lines) in enumerate(zip(rooms, texts)):
        left = MARGIN + at * (width + MARGIN)
        drawing.box(left, top, width, height, fill)
        drawing.text(left + MARGIN, top + LINE + 3, room.name, "name")
        for number, line in enumerate(lines):
            drawing.text(left + MARGIN, top + LINE * (2 + number) + 4, line, "faint")
    return height + MARGIN


def _wrapped(words: list[str], width: int) -> list[str]:
    """Return the words in lines that are no wider than ``width`` pixels."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}, {word}" if lines else word
        if lines and len(longer) * CHARACTER <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


# The way of a request


class Step(NamedTuple):
    """A function that a request passes, and the sentence about it."""

    module: str
    function: str
    caption: str


WAY = (
    Step("transport.adapter", "AuthAdapter.send", "The session hands over a request."),
    Step("transport.request", "authorization_of", "The caller's own Authorization ends it here."),
    Step("lookup.chain", "Chain.look_up", "A cached credential is sent at once."),
    Step("lookup.lookup", "Lookup._find", "Else one thread asks, key by key, near to far."),
    Step("lookup.guarded", "GuardedProvider.ask", "Each provider is asked; the first answer wins."),
    Step("transport.request", "with_credential", "A copy of the request gets the credential."),
    Step("transport.scrub", "clean_response", "The response holds no secret of ours."),
    Step(
        "lookup.exchange", "Exchange.receive", "Accepted: return it. Refused: retry with another."
    ),
)
"""The functions in the order in which a first request calls them."""


def request() -> str:
    """Return the picture of the way of a request."""
    title = "The functions that a request passes, from the session to the response."
    drawing = _Drawing(title, NARROW)
    top, height = MARGIN, 2 * LINE + 12
    for at, step in enumerate(WAY):
        drawing.box(LEFT, top, NARROW - LEFT - MARGIN, height, FILLS[_floor(step) % len(FILLS)])
        drawing.text(LEFT + MARGIN, top + LINE + 3, f"{step.module}.{step.function}", "name")
        drawing.text(LEFT + MARGIN, top + 2 * LINE + 3, step.caption, "")
        drawing.text(MARGIN + 14, top + LINE + 10, str(at + 1), "number")
        if step is not WAY[-1]:
            drawing.arrow(NARROW // 2, top + height, top + height + 16)
        top += height + 18
    return drawing.svg(top)


def _floor(step: Step) -> int:
    """Return a number for the package, so that the boxes of one package look alike."""
    return sorted({each.module.split(".")[0] for each in WAY}).index(step.module.split(".")[0])


# Drawing


class _Drawing:
    """An SVG."""

    def __init__(self, title: str, width: int) -> None:
        self._title = title
        self._width = width
        self._parts: list[str] = []

    def box(self, left: int, top: int, width: int, height: int, fill: str) -> None:
        self._parts.append(
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{fill}"/>'
        )

    def text(self, left: int, top: int, words: str, kind: str) -> None:
        words = escape(words)
        if kind == "number":
            words = f'<tspan fill="{WIRE}" font-size="18">{words}</tspan>'
        self._parts.append(f'<text x="{left}" y="{top}" class="{kind}">{words}</text>')

    def arrow(self, left: int, top: int, bottom: int) -> None:
        self._parts.append(f'<path d="M{left} {top}V{bottom}m-5 -6l5 6l5 -6"/>')

    def svg(self, height: int) -> str:
        head = (
            '<svg xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {self._width} {height}" role="img">'
            f"\n<title>{escape(self._title)}</title>"
        )
        style = STYLE % (INK, FAINT, EDGE, WIRE)
        return "\n".join([head, style, *self._parts, "</svg>", ""])


def files() -> dict[Path, str]:
    """Return the text of each picture by its path."""
    contracts = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    return {FOLDER / "house.svg": house(contracts), FOLDER / "request.svg": request()}
