"""A file is absent, the old one, or the new one whole."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evergreen.core.errors import Unavailable
from evergreen.store.atomic import atomic_write, make_folder


def test_a_new_file_has_its_bytes_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "file"

    assert atomic_write(path, b"content")

    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_mode_is_the_one_asked_for(tmp_path: Path) -> None:
    atomic_write(tmp_path / "file", b"", mode=0o400)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o400


def test_an_old_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old" * 100)
    with path.open("rb") as reader:
        assert atomic_write(path, memoryview(b"new"))
        before = reader.read()

    assert path.read_bytes() == b"new"
    assert before == b"old" * 100


def test_an_old_file_stays_where_it_is_not_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    assert not atomic_write(path, b"new", replace=False)

    assert path.read_bytes() == b"old"


def test_of_many_first_writers_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "file"

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: atomic_write(path, str(number).encode(), replace=False), range(40)))

    assert won.count(True) == 1
    assert path.read_bytes() == str(won.index(True)).encode()


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    atomic_write(tmp_path / "file", b"a")
    atomic_write(tmp_path / "file", b"b")
    atomic_write(tmp_path / "file", b"c", replace=False)
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable):
        atomic_write(tmp_path / "folder", b"d")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_absent_folder_is_unavailable_and_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"cannot write file in {tmp_path}/absent: No such file") as caught:
        atomic_write(tmp_path / "absent" / "file", b"")

    assert caught.value.facts == {"folder": str(tmp_path / "absent")}


def test_a_folder_is_made_with_those_above_it_and_may_be_there(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(Unavailable, match="cannot write folder in"):
        make_folder(tmp_path / "file" / "folder")
