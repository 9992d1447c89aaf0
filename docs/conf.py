"""Sphinx: ``tox -e docs`` builds the site from these pages, with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from generator import address, inventories  # noqa: E402

project = "authshim"
author = "authshim contributors"
copyright = author  # noqa: A001 - Sphinx's name for it
language = "en"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
exclude_patterns = ["generator", "README.rst"]

html_theme = "furo"
html_title = "authshim"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_copyright = False
html_use_index = False
html_domain_indices = False
html_show_sphinx = False
# Furo's own palette, but for the two colours of links, which are darker here on light paper.
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f5c99",
        "color-brand-content": "#1f5c99",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8ab8e6",
        "color-brand-content": "#8ab8e6",
    },
}
highlight_language = "none"
pygments_style = "a11y-light"
pygments_dark_style = "monokai"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"

# No network: the inventories hold the few names that the pages use.
intersphinx_mapping = inventories.mapping(Path(mkdtemp(prefix="inventories-")))


# The search of the site takes no number for a word, but finds the entries of an index.
SEARCHED = {"why-401": ".. index:: 401, 403, 404\n\n"}


def _prepare(app: Any, name: str, source: list[str]) -> None:
    """Let the links of a page, which lead to files where these are hosted, lead to the site.

    A file that is not part of the site stands where the sources are hosted.
    """
    folder = Path(app.srcdir, name).parent

    def target(link: str, anchor: str) -> str:
        path = (folder / link).resolve()
        if path.suffix == ".rst" and path.is_relative_to(HERE):
            return f"{link[:-4]}.html{anchor}"
        return address.of_file(path.relative_to(HERE.parent).as_posix()) + anchor

    source[0] = SEARCHED.get(name, "") + address.with_targets(source[0], target)


def setup(app: Any) -> None:
    """Register with Sphinx."""
    app.connect("source-read", _prepare)
