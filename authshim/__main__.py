"""``python -m authshim`` is ``authshim``."""

from __future__ import annotations

import sys

from authshim.cli import main

sys.exit(main())
