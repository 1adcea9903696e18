"""``python -m evergreen``: the same as the command ``evergreen``."""

from __future__ import annotations

from evergreen.faces.cli.main import main

if __name__ == "__main__":
    main()
