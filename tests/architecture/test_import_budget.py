"""Starting is cheap: how many modules an import and a help text may load, and which never."""

import subprocess
import sys

import pytest

HEAVY = {"alembic", "httpx", "numpy", "polars", "rich", "sklearn", "sqlalchemy", "starlette"}
HELP = """
import sys
sys.argv = ["evergreen", "--help"]
from evergreen.faces.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
REPORT = "\nimport sys; print('\\n' + '\\n'.join(sorted(sys.modules)), file=sys.stderr)"


def loaded(program: str) -> set[str]:
    """The modules of a fresh, isolated interpreter after ``program``."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program + REPORT], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(("program", "budget"), [("import evergreen", 90), (HELP, 130)], ids=["import", "help"])
def test_starting_stays_within_its_budget(program: str, budget: int) -> None:
    added = loaded(program) - loaded("pass")

    assert sorted(HEAVY & {name.split(".")[0] for name in added}) == []
    assert len(added) <= budget, sorted(added)
