"""What must hold of the files as a whole: the lock, the names, the documents."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "evergreen"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.relative_to(SOURCE).parts[2:])
LOCKS = ("requirements.txt", "requirements-dev.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_a_hash_for_every_package_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    packages = re.split(r"\n(?=\S)", text.strip())

    assert len(packages) > 20
    assert [package for package in packages if "--hash=sha256:" not in package or "==" not in package] == []
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links|-f)\b", text, re.MULTILINE)


def test_the_lock_has_every_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["sklearn"]]
    development = project["dependency-groups"]["dev"]

    for name, requirements in zip(LOCKS, (wanted, wanted + development), strict=True):
        locked = {line.split("==")[0] for line in (ROOT / name).read_text().splitlines() if line[:1].isalpha()}
        assert {re.split(r"[<>=\[ ]", requirement)[0] for requirement in requirements} <= locked, name


def test_every_folder_has_its_place_in_the_architecture() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    folders = [path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    folders += [f"faces/{path.name}" for path in (SOURCE / "faces").iterdir() if (path / "__init__.py").exists()]

    assert [name for name in sorted(folders) if f"{name}/" not in text] == []
    assert len(text.splitlines()) <= 200


def test_no_file_has_a_name_that_says_nothing() -> None:
    empty_names = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

    assert [str(path) for path in SOURCE.rglob("*") if path.stem in empty_names] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_says_its_idea_and_its_public_names(path: Path) -> None:
    tree = ast.parse(path.read_text())
    idea = ast.get_docstring(tree)
    declared = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" in ast.unparse(node).split("=")[0]
    ]

    assert idea
    # an __init__ that only says what its folder is has nothing to export
    assert declared or (path.name == "__init__.py" and len(tree.body) == 1) or path.name == "__main__.py"


def test_the_version_is_in_one_place_and_the_changelog_knows_it() -> None:
    version = re.search(r'__version__ = "(.+)"', (SOURCE / "_version.py").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert version is not None
    assert "version" not in project["project"]
    assert ".dev" in version[1] or f"## {version[1]} " in changelog


@pytest.mark.parametrize("path", sorted((ROOT / "changelog.d").glob("*.md")), ids=lambda path: path.name)
def test_a_changelog_fragment_has_a_known_kind(path: Path) -> None:
    kinds = {"security", "removed", "deprecated", "added", "changed", "fixed"}

    assert path.name == "README.md" or path.name.split(".")[-2] in kinds
    assert path.read_text().strip()


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_has_its_number_and_its_parts(path: Path) -> None:
    text = path.read_text()

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {path.name[:4]} ")
    for part in ("Status", "Context", "Decision", "Consequences", "Alternatives refused"):
        assert f"## {part}\n" in text
    assert len(text.splitlines()) <= 80


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
