"""Code versions: the source files as they lay there, and back, never outside of their folder."""

import os
import subprocess
from pathlib import Path

import pytest

from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import Corrupt, Invalid, Unavailable
from evergreen.store.objects import MemoryObjects
from evergreen.versions.code import CodeManifest, manifest_bytes, read_code, snapshot, write_code


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, content in {
        "evergreen.toml": "[project]\n",
        "flights/__init__.py": "",
        "flights/pipeline.py": "def train(): ...\n",
        "flights/query.sql": "select 1\n",
        "data/big.parquet": "no source",
        ".hidden.py": "",
        ".git/config.py": "",
        ".venv/lib/module.py": "",
        "environment/pyvenv.cfg": "",
        "environment/lib/module.py": "",
        "flights/__pycache__/pipeline.py": "",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


SOURCES = ["evergreen.toml", "flights/__init__.py", "flights/pipeline.py", "flights/query.sql"]


def test_a_snapshot_holds_the_projects_own_sources(project: Path) -> None:
    manifest, contents = snapshot(project)

    assert list(manifest.files) == SOURCES
    assert contents[manifest.files["flights/pipeline.py"]] == b"def train(): ...\n"
    assert manifest.commit is None


def test_a_snapshot_comes_back_byte_by_byte(project: Path, tmp_path: Path) -> None:
    manifest, contents = snapshot(project)
    objects = MemoryObjects()
    for data in (*contents.values(), manifest_bytes(manifest)):
        objects.put(data)
    written = tmp_path / "written"
    written.mkdir()

    found = read_code(objects.get, digest_of(manifest_bytes(manifest)))
    write_code(objects.get, found, written)

    assert found == manifest
    again, _ = snapshot(written)
    assert again == manifest


def test_the_tree_tells_contents_apart_and_nothing_else(project: Path) -> None:
    before, _ = snapshot(project)
    os.utime(project / "flights" / "pipeline.py", (0, 0))
    touched, _ = snapshot(project)
    (project / "flights" / "pipeline.py").write_text("def train(): pass\n")
    edited, _ = snapshot(project)

    assert touched.tree == before.tree
    assert edited.tree != before.tree
    assert CodeManifest(files=before.files, commit="abc").tree == before.tree


def test_links_and_things_that_are_no_files_are_left_out(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("not yours")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "module.py").write_text("")
    (project / "link.txt").symlink_to(tmp_path / "secret.txt")
    (project / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(project / "pipe.py")

    assert list(snapshot(project)[0].files) == SOURCES


def test_a_git_commit_is_named(project: Path) -> None:
    (project / ".git" / "config.py").unlink()
    (project / ".git").rmdir()
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)

    commit = snapshot(project)[0].commit

    assert commit is not None
    assert len(commit) == 40


def test_a_name_that_is_no_text_is_refused(project: Path) -> None:
    (project / os.fsdecode(b"caf\xe9.py")).write_text("")

    with pytest.raises(Invalid, match="is no plain text"):
        snapshot(project)


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "a/../../outside.py", ".."])
def test_a_manifest_that_leads_outside_writes_nothing_there(tmp_path: Path, name: str) -> None:
    objects = MemoryObjects()
    folder = tmp_path / "inside"
    folder.mkdir()

    with pytest.raises(Corrupt, match="lies outside its folder"):
        write_code(objects.get, CodeManifest(files={name: objects.put(b"evil")}), folder)

    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_a_manifest_of_something_that_is_in_the_way_is_unavailable(tmp_path: Path) -> None:
    objects = MemoryObjects()
    digest = objects.put(b"x")

    with pytest.raises(Unavailable):
        write_code(objects.get, CodeManifest(files={"a": digest, "a/b": digest}), tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"files": {"a": 3}}'])
def test_what_is_no_manifest_is_corrupt(content: bytes) -> None:
    objects = MemoryObjects()

    with pytest.raises(Corrupt, match="is no code manifest"):
        read_code(objects.get, Digest(objects.put(content)))
