"""Sentences about a project's tool that would act otherwise than authshim does.

tests/interop holds them against the real programs: those about uv and pip in test_tool_notes.py,
those about poetry in test_poetry.py, and those about pdm in test_pdm.py.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Callable, NamedTuple

from authshim.index.verdict import NO_CREDENTIAL, UNREACHABLE
from authshim.project.declaration import NOT_VERIFIED
from authshim.providers.base import AUTH_FILE, NETRC, OS_KEYCHAIN, UV_STORE
from authshim.urls import GIVEN, PREFIX, SERVICE, without_userinfo
from authshim.urls.paths import index_root

if TYPE_CHECKING:
    from authshim.lookup.trace import Found
    from authshim.project.manifest import Manifest
    from authshim.project.repositories import Index, Repository

_RATTLERS = (AUTH_FILE, OS_KEYCHAIN)
"""The stores of pixi, which no other tool reads."""

_VARIABLE = re.compile(r"\$\{.+?\}")


class _Case(NamedTuple):
    """An index of a project, and the outcome of authshim's look-up."""

    manifest: Manifest
    place: Repository
    found: Found | None
    answer: str
    """The word of the verdict on the index."""
    links_name_hosts: bool
    """True if the page of the index has the whole URLs of its files."""

    @property
    def kind(self) -> str:
        """The kind of the key by which a login was found, or an empty string."""
        if self.found is None:
            return ""
        return self.found.key.kind

    @property
    def store(self) -> str:
        """The kind of the provider of a login, or an empty string."""
        if self.found is None:
            return ""
        return self.found.kind

    @property
    def lacks_password(self) -> bool:
        """True if the declaration has a username and no password."""
        return self.place.username is not None and self.place.password is None


def tool_note(
    manifest: Manifest,
    place: Repository,
    found: Found | None,
    *,
    answer: str = NO_CREDENTIAL,
    links_name_hosts: bool = False,
) -> str:
    """Return a sentence if the tool of a project would act otherwise, or an empty string.

    :param answer: the word of the verdict on the index.
    :param links_name_hosts: True if the page of the index has the whole URLs of its files.
    """
    case = _Case(manifest, place, found, answer, links_name_hosts)
    for rule in _RULES.get(manifest.tool, ()):
        note = rule(case)
        if note:
            return f"{manifest.tool} itself {note}"
    return ""


def covering(manifest: Manifest, url: str) -> Index | None:
    """Return the index of a project with the longest root above a URL, or None."""
    path = f"{without_userinfo(url)}/"
    nearest = None
    longest = ""
    for index in (*manifest.indexes(None), *manifest.own_indexes(None)):
        root = f"{index_root(index.url)}/"
        if path.startswith(root) and len(root) >= len(longest):
            nearest = index
            longest = root
    return nearest


# All tools


def _store(case: _Case) -> str:
    """Note a store that the tool does not read."""
    if case.found is None:
        return ""
    tool = case.manifest.tool
    is_own = tool == "uv" and case.store == UV_STORE
    is_other_tools = case.kind == PREFIX and not is_own
    if not is_other_tools and case.store not in _RATTLERS:
        return ""
    step = _STEPS[tool](case)
    return f"does not read {case.found.provider}; {step}"


def _run_or_name(case: _Case) -> str:
    """Return the step for uv, which takes a user by the name of an index only."""
    step = "authshim run -- uv asks authshim"
    if case.place.username is None and not case.place.declaration.name:
        return f"if the index has a name, {step}"
    return step


def _inject_or_run(case: _Case) -> str:
    """Return the step for poetry, which reads no netrc if it knows a user, and for pdm."""
    tool = case.manifest.tool
    step = f"pipx inject {tool} authshim"
    if tool == "poetry" and case.place.username is not None:
        return step
    return f"{step}, or authshim run --netrc -- {tool}"


def _certificates(case: _Case) -> str:
    """Note an option by which poetry or pdm trusts a server that authshim does not trust."""
    option = case.place.declaration.certificates
    if not option or case.answer != UNREACHABLE:
        return ""
    if case.place.scheme != "https":
        return ""
    if option == NOT_VERIFIED:
        return "does not verify the certificate of this index, by an option of its own"
    return f"trusts {option} here, by an option of its own"


# uv and pip


def _keyring_of_uv(case: _Case) -> str:
    if case.kind != SERVICE:
        return ""
    is_always = case.place.declaration.authenticate == "always"
    if case.place.username is None and not is_always:
        return "asks no keyring: the index has no username"
    if case.manifest.keyring_provider != "subprocess":
        return "asks no keyring: keyring-provider is not subprocess"
    return ""


def _keyring_of_pip(case: _Case) -> str:
    if case.kind == SERVICE and case.manifest.keyring_provider == "disabled":
        return "asks no keyring: keyring-provider is disabled"
    return ""


# poetry


def _user_in_url(case: _Case) -> str:
    if not case.lacks_password or case.place.declaration.login_in:
        return ""
    is_refused = case.found is None and case.answer == NO_CREDENTIAL
    is_in_a_store = case.kind not in ("", GIVEN)
    if not is_refused and not is_in_a_store:
        return ""
    return "looks for no password if the URL has a username; take it out of the URL"


def _netrc_of_known_user(case: _Case) -> str:
    if not case.lacks_password or case.store != NETRC:
        return ""
    return f"reads no netrc: {case.place.declaration.login_in} names a user"


def _keyring_of_poetry(case: _Case) -> str:
    if case.kind != SERVICE:
        return ""
    if case.manifest.keyring_provider == "disabled":
        return "asks no keyring: keyring.enabled is false"
    return _other_names(case)


def _other_names(case: _Case) -> str:
    """Note an entry of keyring under a name that the tool does not ask for."""
    own = case.place.declaration.services
    if case.found is None or case.found.key in own:
        return ""
    names = ", ".join(own)
    return f"does not ask keyring for {case.found.key}, but for {names}"


def _files_of_url(case: _Case) -> str:
    if case.place.password is None or case.place.declaration.login_in:
        return ""
    if case.kind != GIVEN or not case.links_name_hosts:
        return ""
    files = "no file of this index, whose links are whole URLs"
    return f"sends the login in the URL to {files}; set {_variables(case)} instead"


def _dotted_name(case: _Case) -> str:
    login_in = case.place.declaration.login_in
    if case.kind != GIVEN or not login_in.startswith("POETRY_HTTP_BASIC_"):
        return ""
    has_dot = "." in case.place.declaration.name
    if not has_dot or "." in login_in:
        return ""
    return f"does not read {login_in} since 2.4, for the source's name has a dot; rename it"


def _variables(case: _Case) -> str:
    """Return the names of poetry's variables for a login."""
    name = case.place.declaration.name.upper().replace("-", "_")
    return f"POETRY_HTTP_BASIC_{name}_USERNAME and _PASSWORD"


# pdm


def _variables_of_pdm(case: _Case) -> str:
    """Note a variable that one of the two expands, and the other does not."""
    place = case.place
    if _VARIABLE.fullmatch(place.placeholder):
        return f"expands {place.placeholder} in the whole URL; authshim in user:password@ only"
    login = f"{place.username}{place.password}"
    if place.placeholder and _VARIABLE.search(login):
        return "expands ${...} in the URL only, and to nothing if the variable is not set"
    return ""


def _names_of_pdm(case: _Case) -> str:
    if case.kind != SERVICE:
        return ""
    return _other_names(case)


def _netrc_for_others(case: _Case) -> str:
    """Note a netrc that Python refuses, because other users may read it."""
    if case.found is None or case.store != NETRC:
        return ""
    path = case.found.path
    own = os.path.expanduser("~/.netrc")
    if path != own or not _is_open_to_others(path):
        return ""
    return f"does not read {path}, for others may read it; chmod 600 {path}"


def _is_open_to_others(path: str) -> bool:
    if os.name != "posix":
        return False
    try:
        return os.stat(path).st_mode & 0o077 != 0
    except OSError:
        return False


_STEPS: dict[str, Callable[[_Case], str]] = {
    "uv": _run_or_name,
    "pip": lambda _: "authshim run -- pip asks authshim",
    "poetry": _inject_or_run,
    "pdm": _inject_or_run,
}
"""The steps that let a tool have the login of a store that it does not read."""

_RULES: dict[str, tuple[Callable[[_Case], str], ...]] = {
    "uv": (_keyring_of_uv, _store),
    "pip": (_keyring_of_pip, _store),
    "poetry": (
        _certificates,
        _user_in_url,
        _netrc_of_known_user,
        _keyring_of_poetry,
        _files_of_url,
        _dotted_name,
        _store,
    ),
    "pdm": (
        _certificates,
        _variables_of_pdm,
        _names_of_pdm,
        _netrc_for_others,
        _store,
    ),
}
"""The rules of each tool. The first one that has something to say counts."""
