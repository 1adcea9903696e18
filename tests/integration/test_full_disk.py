"""On a full disk: one clear error that names the folder, reading goes on, and room is all that is needed."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from evergreen.core.errors import Unavailable
from evergreen.db.database import Database
from evergreen.db.schema import project, run_param
from evergreen.lifecycle.home import Home
from evergreen.store.objects import LocalObjects
from evergreen.traffic.segment import SegmentWriter, read_records, segments


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill the disk up to ``leave`` bytes, with a file to remove."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
        if leave:
            file.truncate(file.seek(0, io.SEEK_END) - leave)
    return path


def add(name: str, size: int = 0) -> Callable[[Connection], Any]:
    def work(connection: Connection) -> None:
        connection.execute(project.insert().values(name=name, created_at="x" * size))

    return work


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(project)).scalar_one())


@pytest.mark.parametrize("leave", [0, 4096, 16384, 65536])
def test_objects_say_which_folder_is_full_and_go_on_with_room(small_disk: Path, leave: int) -> None:
    objects = LocalObjects(small_disk / "objects")
    kept = objects.put(b"kept")
    filling = fill(small_disk, leave)

    with pytest.raises(Unavailable, match="No space left on device") as caught:
        for number in range(256):  # also in folders that must be made first
            objects.put(bytes([number]) * 70_000)

    assert str(small_disk) in caught.value.facts["folder"]
    assert objects.get(kept) == b"kept"
    assert all(len(objects.get(digest)) for digest in objects.digests())  # nothing half
    filling.unlink()
    assert objects.get(objects.put(bytes(70_000))) == bytes(70_000)


@pytest.mark.parametrize("leave", [0, 4096, 8192, 20480, 65536])
def test_the_database_says_which_folder_is_full_and_goes_on_with_room(small_disk: Path, leave: int) -> None:
    database = Database(small_disk / "evergreen.db")
    database.create()
    database.write(add("before"))
    filling = fill(small_disk, leave)
    written = 1

    with pytest.raises(Unavailable, match="cannot write to") as caught:
        for number in range(200):
            database.write(add(f"full-{number}", size=3000))
            written += 1

    assert caught.value.facts["folder"] == str(small_disk)
    assert caught.value.hint is not None
    assert f"make room in {small_disk}" in caught.value.hint
    assert count(database) == written
    filling.unlink()
    database.write(add("after"))
    assert count(database) == written + 1
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    database.close()


def test_a_write_larger_than_the_disk_fails_alone_and_clearly(small_disk: Path) -> None:
    database = Database(small_disk / "evergreen.db")
    database.create()

    def vast(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA cache_size = 10")  # so that the disk fills before the commit
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for number in range(2000):
            row = {"run_id": "r", "name": str(number), "value": "x" * 3000}
            connection.execute(run_param.insert().values(**row))

    with pytest.raises(Unavailable, match="cannot write to") as caught:
        database.write(vast)

    assert caught.value.facts["folder"] == str(small_disk)
    database.write(add("after"))
    assert count(database) == 1
    database.close()


def test_a_home_cannot_be_made_on_a_full_disk_and_can_be_with_room(small_disk: Path) -> None:
    filling = fill(small_disk)

    with pytest.raises(Unavailable) as caught:
        Home.open(small_disk / "home", create=True)

    assert str(small_disk) in caught.value.facts["folder"]
    filling.unlink()
    home = Home.open(small_disk / "home", create=True)
    with home.database.read() as connection:
        assert home.journal.verify(connection).is_sound
    home.close()


@pytest.mark.parametrize("leave", [4096 * pages for pages in range(1, 40, 3)])
def test_a_home_that_was_made_half_on_a_full_disk_opens_with_room(small_disk: Path, leave: int) -> None:
    filling = fill(small_disk, leave)

    with pytest.raises(Unavailable):
        Home.open(small_disk / "home", create=True)

    filling.unlink()
    home = Home.open(small_disk / "home", create=True)
    with home.database.read() as connection:
        assert home.journal.verify(connection).is_sound
    home.close()


@pytest.mark.parametrize("leave", [0, 4096, 12288])
def test_the_prediction_log_says_which_folder_is_full_and_goes_on_with_room(small_disk: Path, leave: int) -> None:
    folder = small_disk / "log"
    log = SegmentWriter(folder)
    log.append(b"before")
    filling = fill(small_disk, leave)
    kept = [b"before"]

    with pytest.raises(Unavailable, match="cannot log a prediction") as caught:
        for number in range(1000):
            record = f"{number}".encode() * 700
            log.append(record)
            kept.append(record)

    assert caught.value.facts["folder"] == str(folder)
    (path,) = segments(folder)
    assert [payload for payload, _ in read_records(path)] == kept
    filling.unlink()
    log.append(b"after")
    log.close()
    assert [payload for payload, _ in read_records(path)] == [*kept, b"after"]


def test_a_prediction_log_cannot_be_opened_on_a_full_disk_and_the_folder_is_named(small_disk: Path) -> None:
    (small_disk / "log").write_bytes(b"in the way")

    with pytest.raises(Unavailable, match="cannot open a prediction log") as caught:
        SegmentWriter(small_disk / "log")

    assert caught.value.facts["folder"] == str(small_disk / "log")
