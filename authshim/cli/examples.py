"""The end of every ``--help``: two examples, and the page to read."""

from __future__ import annotations

from typing import NamedTuple

# A copy of the url in setup.cfg, which python docs/generate.py makes.
DOCUMENTATION = "https://github.com/authshim/authshim/blob/main/docs/"


class Examples(NamedTuple):
    """The examples of a command, and its page."""

    lines: tuple[str, str]
    page: str
    """The path of the page in ``docs/``, without its suffix."""

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"{DOCUMENTATION}{self.page}.rst"

    @property
    def text(self) -> str:
        """The end of the help."""
        lines = "".join(f"  {line}\n" for line in self.lines)
        return f"\nexamples:\n{lines}\npage: {self.url}\n"


EXAMPLES = {
    "authshim": Examples(("authshim demo", "authshim check"), "index"),
    "authshim auth": Examples(
        ("authshim auth login prefix.dev", "authshim auth status"), "tasks/login"
    ),
    "authshim auth login": Examples(
        ("authshim auth login prefix.dev", "authshim auth login myserver.com --username ada"),
        "tasks/login",
    ),
    "authshim auth logout": Examples(
        ("authshim auth logout myserver.com", "authshim auth logout --all"), "tasks/login"
    ),
    "authshim auth status": Examples(
        ("authshim auth status", "authshim auth status myserver.com --json"), "tasks/login"
    ),
    "authshim auth token": Examples(
        (
            "authshim auth token prefix.dev",
            "curl -H @<(authshim auth token --header URL) URL",
        ),
        "tasks/login",
    ),
    "authshim check": Examples(("authshim check", "authshim check --json"), "why-401"),
    "authshim completion": Examples(
        (
            "authshim completion bash > ~/.local/share/bash-completion/completions/authshim",
            "authshim completion fish > ~/.config/fish/completions/authshim.fish",
        ),
        "reference/commands",
    ),
    "authshim demo": Examples(("authshim demo", "authshim demo --quiet"), "index"),
    "authshim doctor": Examples(("authshim doctor", "authshim doctor --json"), "why-401"),
    "authshim explain": Examples(
        (
            "authshim explain https://myserver.com/simple/",
            "authshim explain https://myserver.com/simple/ --username ada",
        ),
        "why-401",
    ),
    "authshim get": Examples(
        (
            "authshim get https://myserver.com/files/data.tar.gz",
            "authshim get https://myserver.com/data.csv -o - | wc -l",
        ),
        "tasks/download",
    ),
    "authshim resolve": Examples(
        ("authshim resolve", "authshim resolve 'acme-core<3' --json"), "tasks/resolve"
    ),
    "authshim run": Examples(
        (
            "authshim run -- pip install -i https://ada@myserver.com/simple/ demo",
            "authshim run --netrc -- sh -c 'curl --netrc-file \"$NETRC\" URL'",
        ),
        "tasks/pip",
    ),
}
"""The commands by their name as typed."""
