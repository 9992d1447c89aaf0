"""Python imports this file when it starts, if ``PYTHONPATH`` has its folder."""

from __future__ import annotations

import names  # noqa: F401 - it changes the resolver
