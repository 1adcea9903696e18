"""The two places for objects that Evergreen ships keep the contract; a local one finds damage."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import Corrupt, NotFound, Unavailable
from evergreen.store.objects import LocalObjects, MemoryObjects
from evergreen.testing.objects import ObjectsContract


class TestMemoryObjects(ObjectsContract):
    @pytest.fixture
    def objects(self) -> MemoryObjects:
        return MemoryObjects()


class TestLocalObjects(ObjectsContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> LocalObjects:
        return LocalObjects(tmp_path / "objects")


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path)


def file_of(objects: LocalObjects, digest: Digest) -> Path:
    (path,) = (path for path in objects.folder.glob("??/*") if digest.endswith(path.name))
    return path


@pytest.mark.parametrize("damage", [b"", b"other bytes", b"some byte", b"some bytes "])
def test_damage_is_found_on_reading(objects: LocalObjects, damage: bytes) -> None:
    digest = objects.put(b"some bytes")
    path = file_of(objects, digest)
    path.chmod(0o600)
    path.write_bytes(damage)

    with pytest.raises(Corrupt, match=f"object {digest[:12]} is damaged") as caught:
        objects.get(digest)

    assert caught.value.hint == "restore it from a backup"


def test_an_object_cannot_be_written_by_accident(objects: LocalObjects) -> None:
    path = file_of(objects, objects.put(b"some bytes"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_an_unfinished_write_is_no_object(objects: LocalObjects) -> None:
    digest = objects.put(b"some bytes")
    (file_of(objects, digest).parent / ".writing-abc").write_bytes(b"half")
    (objects.folder / "notes").mkdir()
    (objects.folder / "notes" / "readme").write_bytes(b"")

    assert list(objects.digests()) == [digest]


def test_another_objects_on_the_folder_sees_the_same(objects: LocalObjects) -> None:
    digest = objects.put(b"some bytes")

    other = LocalObjects(objects.folder)

    assert other.has(digest)
    assert other.get(digest) == b"some bytes"


def test_a_removed_object_is_not_found_and_can_be_put_again(objects: LocalObjects) -> None:
    digest = objects.put(b"some bytes")
    file_of(objects, digest).unlink()

    with pytest.raises(NotFound):
        objects.get(digest)
    assert objects.put(b"some bytes") == digest
    assert objects.get(digest) == b"some bytes"


def test_a_folder_that_cannot_be_made_is_unavailable_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    objects = LocalObjects(tmp_path / "file")

    with pytest.raises(Unavailable, match=str(tmp_path / "file")):
        objects.put(b"some bytes")


def test_an_object_that_cannot_be_read_is_unavailable_and_named(objects: LocalObjects) -> None:
    digest = digest_of(b"some bytes")
    (objects.folder / digest[:2] / digest[2:]).mkdir(parents=True)

    with pytest.raises(Unavailable, match="cannot read object") as caught:
        objects.get(digest)

    assert caught.value.facts["folder"] == str(objects.folder)


def put_many(folder: Path) -> set[Digest]:
    objects = LocalObjects(folder)
    return {objects.put(f"object {number}".encode() * 100) for number in range(60)}


def test_processes_may_put_the_same_bytes_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(put_many, [tmp_path] * 4)

    objects = LocalObjects(tmp_path)
    assert found == [found[0]] * 4
    assert set(objects.digests()) == found[0]
    assert all(digest_of(objects.get(digest)) == digest for digest in found[0])
