"""The project's own files: pixi.toml and pyproject.toml, as pixi reads them."""
