"""PyPI, open to everybody: its pages lie at one host and their files at another.

Both are shown by a page of pypi.org in python-poetry/poetry issue 2507.
"""

from __future__ import annotations

from replay.recording import Route, content, page

HOST, FILES = "pypi.org", "files.pythonhosted.org"

ROUTES = (
    Route(HOST, "/simple/{project}/", page(f"https://{FILES}/packages/d8/94/7350820/{{file}}")),
    Route(FILES, "/packages/{file*}", content),
)
