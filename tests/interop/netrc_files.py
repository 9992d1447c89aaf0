"""netrc files by the thousand, the logins that authshim finds there, and those of curl 7.88.

A file is made of pieces: entries, comments, macros. The classes of difference look at the pieces,
not at the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

Pair = Optional[tuple[str, str]]

ASKED = ("h.example", "i.example", "xn--mnchen-3ya.example", "[::1]", "nobody.example")
"""The hosts that both are asked for."""

_WRITTEN = {ASKED[3]: "::1"}
"""How a host is written where both read it the same."""

_OTHERWISE = {"unicode": (ASKED[2], "münchen.example"), "brackets": (ASKED[3], ASKED[3])}
"""Ways to write a host that only authshim reads."""


class Piece(NamedTuple):
    """A part of a file that ends with its line."""

    text: str
    host: str = ""
    """Of an entry, as it is asked for; "*" of the default."""
    pair: Pair = None
    """The login that authshim takes from it."""
    odd: str = ""
    """What is odd in it, by a name of those below; "macro" of a macro."""
    is_half: bool = False
    """It has a login or a password, but not both, or one of them is empty."""

    @property
    def could_close(self) -> bool:
        """Whether a quote that was left open before it might end in it."""
        return any((line.count('"') - line.count('\\"')) % 2 for line in self.text.split("\n"))


class File(NamedTuple):
    """A whole netrc."""

    pieces: tuple[Piece, ...]
    newline: str = "\n"
    encoding: str = "utf-8"

    @property
    def data(self) -> bytes:
        return (
            "".join(piece.text for piece in self.pieces)
            .replace("\n", self.newline)
            .encode(self.encoding)
        )

    @property
    def user(self) -> str:
        """The user of the question that names one: the last login of its host, or somebody else."""
        logins = [piece.pair[0] for piece in self.pieces if piece.host == ASKED[0] and piece.pair]
        return next((login for login in reversed(logins) if login), "somebody")

    def answer(self, host: str, user: str | None = None) -> Pair:
        """Return the login by authshim's rules: the host's last, or that of the last default."""
        hidden = self._hidden()
        for of in (host, "*"):
            pairs = [
                piece.pair
                for at, piece in enumerate(self.pieces)
                if at not in hidden and piece.host == of
            ]
            known = [pair for pair in pairs if pair]
            if user is not None:
                own = [pair for pair in known if pair[0] == user]
                known = own or [(user, password) for login, password in known if not login]
            if known:
                return known[-1]
        return None

    def _hidden(self) -> set[int]:
        """Return the indices of pieces that an open quote or a stray word hides.

        A quote hides all pieces up to one that could close it; a stray word the half entry before.
        """
        kinds = [piece.odd for piece in self.pieces]
        after = kinds.index("open quote") + 1 if "open quote" in kinds else len(kinds)
        closing = next(
            (at for at in range(after, len(kinds)) if self.pieces[at].could_close), after - 1
        )
        stray = (self._before(at) for at, kind in enumerate(kinds) if kind in STRAY)
        lost = (at for at in stray if at is not None and self.pieces[at].is_half)
        return {*range(after, closing + 1), *lost}

    def _before(self, at: int) -> int | None:
        """Return the entry that is open where a piece begins."""
        parts = [
            number
            for number in range(at)
            if self.pieces[number].host or self.pieces[number].odd == "macro"
        ]
        return parts[-1] if parts else None

    def with_stray(self, host: str, odd: str) -> bool:
        """Return True if an entry of a host or of the default has a stray word or precedes one."""
        places = [at for at, piece in enumerate(self.pieces) if piece.odd == odd]
        near = [*places, *(self._before(at) for at in places)]
        return any(at is not None and self.pieces[at].host in (host, "*") for at in near)

    def of(self, host: str) -> list[Piece]:
        """Return the entries that can answer for a host, the default's too."""
        return [piece for piece in self.pieces if piece.host in (host, "*")]


# What is odd in an entry

STRAY = ("quoted keyword", "word before")
"""They begin with a word that is of the entry before them, and breaks it."""

_GOOD = {
    "user": "machine {host} user {login} password {password}\n",
    "hash": "machine {host} login {login} password {password}\n",
    "keyword as value": "machine {host} login {login} account default password {password}\n",
    "empty line": "machine {host} login {login} password\n\n{password}\n",
    "line break": "machine {host} login\n{login} password {password}\n",
    "long line": "machine {host} login {login} password {password}" + " " * 4096 + "\n",
    "field twice": "machine {host} login other password {password} login {login}\n",
    "words behind": "machine {host} login {login} password {password} two words\n",
    "port": (
        "machine {host} port 443 login {login} protocol https password {password} "
        "method interactive\n"
    ),
    "macro in it": "machine {host} login {login} macdef init\npassword {password}\n\n",
}
"""Odd entries from which authshim takes a login."""

_BAD = {
    "open quote": 'machine {host} login {login} password "{password}\n',
    "behind a quote": 'machine {host} login "{login}"x password {password}\n',
    "control": 'machine {host} login {login} password "{password}\\n"\n',
    "form feed": "machine {host} login {login}\f password {password}\n",
    "unknown word": "machine {host} login {login} two password {password}\n",
    "no value": "machine {host} login\npassword {password}\n",
    "quoted keyword": '"machine" {host} login {login} password {password}\n',
    "word before": "word machine {host} login {login} password {password}\n",
}
"""Odd entries that it drops."""


# Classes of difference


def _has(*odd: str) -> Callable[[File, str], bool]:
    return lambda file, host: any(piece.odd in odd for piece in file.of(host))


def _several(file: File, host: str) -> bool:
    return any(
        len({piece.text for piece in file.pieces if piece.host == of}) > 1 for of in (host, "*")
    )


def _default_first(file: File, host: str) -> bool:
    hosts = [piece.host for piece in file.pieces]
    return "*" in hosts and host in hosts[hosts.index("*") :]


def _half(file: File, host: str) -> bool:
    entries = [piece for piece in file.pieces if piece.host]
    return any(piece.is_half and piece.host in (host, "*") for piece in entries[:-1])


def _macro(file: File, host: str) -> bool:
    halves = [
        at for at, piece in enumerate(file.pieces) if piece.is_half and piece.host in (host, "*")
    ]
    return any(
        piece.odd == "macro in it" or piece.odd == "macro"
        for piece in file.pieces[min(halves, default=99) :]
    )


def _anywhere(*odd: str) -> Callable[[File, str], bool]:
    return lambda file, _: any(piece.odd in odd for piece in file.pieces)


def _first(file: File, host: str) -> bool:
    return file.encoding == "utf-8-sig" and file.pieces[0].host in (host, "*", "")


def _not_utf_8(file: File, host: str) -> bool:
    return file.encoding == "latin-1" and any(not piece.text.isascii() for piece in file.of(host))


def _other_user(file: File, host: str) -> bool:
    return any(piece.pair and piece.pair[0] not in ("", file.user) for piece in file.of(host))


OTHER_USER = "an entry of another user"

CLASSES: dict[str, tuple[str, Callable[[File, str], bool]]] = {
    "several entries of one host": (
        "curl takes the first; rattler and the standard library take the last",
        _several,
    ),
    "a default before the machine": (
        "curl takes what it meets first; nobody else does",
        _default_first,
    ),
    "half an entry, and another behind it": (
        (
            "curl goes on to look for the other half: it forgets this one at a machine, "
            "and takes what a default has"
        ),
        _half,
    ),
    "user": (
        "the standard library's other word for login; curl passes over it and its value",
        _has("user"),
    ),
    "a # as a value's first character": (
        (
            "curl begins a comment there, and looks for the value on; "
            "rattler and the standard library keep it"
        ),
        _has("hash"),
    ),
    "an open quote": (
        (
            "curl drops the file, with the good entries behind it; "
            "here it costs its entry, and what it may hide"
        ),
        _anywhere("open quote"),
    ),
    "text behind a closing quote": (
        "curl drops its first character and reads on; here it costs the entry",
        _has("behind a quote"),
    ),
    "a control character": (
        "curl sends it, or cuts the value there; RFC 7617 forbids it",
        _has("control", "form feed"),
    ),
    "a word that is no keyword": (
        "curl passes over it; here it ends an entry that has no login or no password yet",
        _has("unknown word"),
    ),
    "a keyword without a value": ("curl takes the next keyword as the value", _has("no value")),
    "a keyword as the value of another host": (
        (
            "curl reads the values of hosts that it does not look for as keywords: "
            "it finds a default there"
        ),
        _anywhere("keyword as value"),
    ),
    "a quoted keyword": (
        "curl takes it; here a word in quotes is a value, so that no password begins an entry",
        lambda file, host: file.with_stray(host, "quoted keyword"),
    ),
    "a word before machine": (
        "curl passes over it; here a line that begins with no keyword begins no entry",
        lambda file, host: file.with_stray(host, "word before"),
    ),
    "an empty line where a value is due": ("curl takes it as an empty value", _has("empty line")),
    "a value behind a Windows line end": (
        "curl takes the line end as an empty value",
        lambda file, host: file.newline == "\r\n" and _has("line break")(file, host),
    ),
    "a line of more than 4,096 characters": ("curl reads none of it", _has("long line")),
    "a field twice": (
        "curl stops where it has both; here the last counts, as in the standard library",
        _has("field twice"),
    ),
    "a macro within an entry, or behind half of one": (
        "curl knows none where it looks for the rest of the entry, and reads its text as that",
        _macro,
    ),
    "a macro with Windows line ends": (
        (
            "curl takes the line end for an empty word, which ends the macro where it begins: "
            "its machines come to life"
        ),
        lambda file, host: file.newline == "\r\n" and _anywhere("macro")(file, host),
    ),
    OTHER_USER: (
        "curl 7.88 sends its password under the name that the URL has; nobody else does",
        _other_user,
    ),
    "a byte order mark": (
        (
            "curl reads it as a part of the first word, which is no keyword then, "
            "nor the # of a comment"
        ),
        _first,
    ),
    "UTF-16": ("curl finds no word in it", lambda file, _: file.encoding == "utf-16"),
    "bytes that are no UTF-8": (
        "curl sends them as they are; here they are read as Latin-1, and sent in UTF-8 (RFC 7617)",
        _not_utf_8,
    ),
    "a host in Unicode": (
        "curl compares with what is dialled, punycode; here both are brought to it",
        _has("unicode"),
    ),
    "an address in brackets": (
        "curl compares without them; here as it stands in a URL",
        _has("brackets"),
    ),
}
"""Why curl 7.88 answers otherwise, and where it may: a file, and the host that is asked for."""


def reasons(file: File, host: str, user: str | None) -> list[str]:
    """List the classes that explain a difference; one of them is for URLs that name a user."""
    found = [name for name, (_, applies) in CLASSES.items() if applies(file, host)]
    return [name for name in found if name != OTHER_USER or user is not None]


# The generator

HOSTS = [*ASKED[:2], ASKED[3], *(f"{letter}.example" for letter in "opqrst")]


def files(random: Random, count: int) -> list[File]:
    """Make files; one in five has something odd in it."""
    return [_file(random) for _ in range(count)]


def _file(random: Random) -> File:
    hosts = (
        random.sample(HOSTS, len(HOSTS)) if random.random() < 0.97 else random.choices(HOSTS, k=9)
    )
    pieces = [_piece(random, hosts) for _ in range(random.randint(1, 5))]
    if random.random() < 0.3:
        pieces.insert(random.choices([len(pieces), 0], [96, 4])[0], _entry(random, "*"))
    if random.random() < 0.15:
        pieces.insert(random.randrange(len(pieces) + 1), _odd(random))
    encoding = random.choices(["utf-8", "utf-8-sig", "utf-16", "latin-1"], [95, 2, 1, 2])[0]
    is_windows = random.random() < (
        0.5 if any(piece.odd == "line break" for piece in pieces) else 0.15
    )
    return File(tuple(pieces), "\r\n" if is_windows else "\n", encoding)


def _piece(random: Random, hosts: list[str]) -> Piece:
    kind = random.choices(["entry", "comment", "macro", "blank"], [77, 12, 4, 7])[0]
    if kind == "comment":
        return Piece(
            random.choice(
                ["# machine h.example login evil password evil\n", "  #\n", "#machine\n# it's \"\n"]
            )
        )
    if kind == "macro":
        name, host = random.choice(["init", "x"]), random.choice(ASKED[:2])
        return Piece(f"macdef {name}\nmachine {host} login evil\npassword evil\n\n", odd="macro")
    if kind == "blank":
        return Piece(random.choice(["\n", " \n\n", "\t\n"]))
    return _entry(random, hosts.pop())


def _odd(random: Random) -> Piece:
    odd = random.choice([*_GOOD, *_BAD, *_OTHERWISE])
    # Without quotes and backslashes of their own.
    login, password = (_plain(random).translate({34: None, 92: None}) for _ in "lp")
    host = written = random.choice(ASKED[:2])
    if odd in _OTHERWISE:
        host, written = _OTHERWISE[odd]
    if odd == "hash":
        password = f"#{password}"
    form = {**_GOOD, **_BAD}.get(odd, _GOOD["hash"])
    text = form.format(host=written, login=login, password=password)
    if odd == "macro in it":
        return Piece(text, host, (login, ""), odd, is_half=True)
    return Piece(text, host, None if odd in _BAD else (login, password), odd)


def _entry(random: Random, host: str) -> Piece:
    fields = {name: _value(random) for name in ("login", "password") if random.random() < 0.98}
    if random.random() < 0.1:
        fields["account"] = _value(random)
    words = [
        word
        for name in random.sample([*fields], len(fields))
        for word in (_case(random, name), fields[name][1])
    ]
    begin = ["default"] if host == "*" else ["machine", _WRITTEN.get(host, host)]
    gaps: Sequence[str] = random.choice([[" "], ["\n\t"], [" ", "\t", "  "], [" # a comment\n"]])
    text = " ".join([_case(random, begin[0]), *begin[1:]])
    # A value stays on the line of its keyword; before the next keyword there may be a gap.
    for at in range(0, len(words), 2):
        text += f"{random.choice(gaps)}{words[at]}{random.choice([' ', chr(9)])}{words[at + 1]}"
    login, password = (fields.get(name, ("", ""))[0] for name in ("login", "password"))
    has_any = bool({"login", "password"} & fields.keys())
    return Piece(
        text + "\n", host, (login, password) if has_any else None, is_half=not (login and password)
    )


def _case(random: Random, keyword: str) -> str:
    return random.choice([keyword] * 8 + [keyword.upper(), keyword.title()])


def _value(random: Random) -> tuple[str, str]:
    """Return a value, and how it is written."""
    plain = _plain(random)
    kind = random.randrange(40)
    if kind == 0:
        return "", '""'
    if kind == 1:
        return f"#{plain} a", _quoted(f"#{plain} a")
    if kind == 2:
        return f"{plain}s", _quoted(plain)[:-1] + '\\s"'
    return plain, _quoted(plain) if kind == 3 else plain


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(random: Random) -> str:
    first = random.choice("abcxyzABCXYZ0189!$%&=~.:-_'äß")
    return first + "".join(
        random.choice("abcXYZ019!$%&=~.:-_#\\\"'äß") for _ in range(random.randrange(8))
    )
