"""The prediction log becomes batches: each row once, whoever seals, however often it was sent."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from evergreen.core.digest import Digest
from evergreen.journal.transaction import Transaction
from evergreen.lifecycle.home import Home
from evergreen.traffic.predictions import (
    Batch,
    Logged,
    Sealed,
    batch_bytes,
    batches,
    inputs_of,
    remove_sealed,
    seal,
    take_unsealed,
    window,
)
from evergreen.traffic.segment import SegmentWriter, segments

Act = Callable[[Callable[[Transaction], Any]], Any]


def at(hour: int, minute: int = 0) -> str:
    return f"2013-03-01T{hour:02}:{minute:02}:00.000000Z"


def request(version: int, /, *rows: tuple[str, str, float], **inputs: Any) -> bytes:
    """Encode a request of rows (id, time, answer), all with the same inputs."""
    return msgspec.msgpack.encode(
        Logged(
            version=version,
            ids=[name for name, _, _ in rows],
            times=[time for _, time, _ in rows],
            rows=msgspec.json.encode([inputs or {"distance": 500, "carrier": "AA"} for _ in rows]),
            answers=[answer for _, _, answer in rows],
        )
    )


def unsealed(home: Home, folder: Path) -> tuple[pl.DataFrame | None, list[Sealed]]:
    with home.database.read() as connection:
        return take_unsealed(connection, "flights", "delay", folder)


def made_batch(home: Home, table: pl.DataFrame, stretches: Sequence[Sealed]) -> Batch:
    data, first, last = batch_bytes(table)
    digest = home.objects.put(data)
    return Batch(digest=digest, rows=table.height, first_at=first, last_at=last, segments=list(stretches))


def seal_all(home: Home, act: Act, folder: Path) -> Batch:
    table, stretches = unsealed(home, folder)
    assert table is not None
    batch = made_batch(home, table, stretches)
    assert act(lambda tx: seal(tx, "delay", batch))
    return batch


def found(home: Home, start: str, end: str) -> list[Digest]:
    with home.database.read() as connection:
        return batches(connection, "flights", "delay", start, end)


def rows(home: Home, start: str = at(0), end: str = at(23)) -> pl.DataFrame:
    return window(home.objects.get, found(home, start, end), start, end)


def remove(home: Home, folder: Path) -> list[Path]:
    with home.database.read() as connection:
        remove_sealed(connection, "flights", "delay", folder)
    return segments(folder)


@pytest.fixture
def folder(home: Home) -> Path:
    return home.log_folder("flights", "delay")


def test_what_was_logged_is_sealed_and_read_back(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.25), ("b", at(1, 30), 0.75), distance=500, carrier=None, night=True))
    log.append(request(2, ("c", at(2), 0.5), distance=7.5, carrier="AA", night=False))

    batch = seal_all(home, act, folder)

    assert (batch.rows, batch.first_at, batch.last_at) == (3, at(1), at(2))
    table = rows(home)
    assert table["prediction_id"].to_list() == ["a", "b", "c"]
    assert table["version"].to_list() == [1, 1, 2]
    assert table["answer"].to_list() == [0.25, 0.75, 0.5]
    assert inputs_of(table).to_dict(as_series=False) == {
        "distance": [500.0, 500.0, 7.5],
        "carrier": [None, None, "AA"],
        "night": [True, True, False],
    }
    log.close()


def test_an_empty_log_has_nothing_to_seal(home: Home, folder: Path) -> None:
    assert unsealed(home, folder) == (None, [])
    log = SegmentWriter(folder)
    assert unsealed(home, folder) == (None, [])
    log.close()
    assert rows(home).height == 0


def test_each_record_is_sealed_once(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.1)))
    seal_all(home, act, folder)

    log.append(request(1, ("b", at(2), 0.2)))
    second = seal_all(home, act, folder)

    assert second.rows == 1
    assert second.segments[0].start > 0
    assert unsealed(home, folder) == (None, [])
    assert rows(home)["prediction_id"].to_list() == ["a", "b"]
    log.close()


def test_of_two_sealers_the_second_changes_nothing(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.1)))
    table, stretches = unsealed(home, folder)
    log.append(request(1, ("b", at(2), 0.2)))
    later_table, later_stretches = unsealed(home, folder)  # overlaps what the first took
    assert table is not None
    assert later_table is not None
    first, second = made_batch(home, table, stretches), made_batch(home, later_table, later_stretches)

    sealed = [act(partial(seal, endpoint="delay", batch=batch)) for batch in (first, second, first)]

    assert sealed == [True, False, False]
    assert found(home, at(0), at(23)) == [first.digest]
    with home.database.read() as connection:
        assert len(list(home.journal.read(connection, kinds=["predictions.sealed"]))) == 1
    assert unsealed(home, folder)[0] is not None  # "b" is still to be sealed
    assert seal_all(home, act, folder).rows == 1
    log.close()


def test_segments_of_several_processes_go_into_one_batch(home: Home, act: Act, folder: Path) -> None:
    logs = [SegmentWriter(folder) for _ in range(3)]
    for number, log in enumerate(logs):
        log.append(request(1, (f"id-{number}", at(number), 0.1)))

    batch = seal_all(home, act, folder)

    assert len(batch.segments) == 3
    assert sorted(rows(home)["prediction_id"]) == ["id-0", "id-1", "id-2"]
    for log in logs:
        log.close()


def test_of_an_id_that_was_sent_again_the_first_answer_counts(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(2), 0.1), ("b", at(2), 0.2)))
    log.append(request(2, ("a", at(2), 0.9)))
    seal_all(home, act, folder)
    # Sent once more with an older row, so that the later batch starts earlier.
    log.append(request(3, ("z", at(1), 0.5), ("b", at(2), 0.8)))
    seal_all(home, act, folder)

    table = rows(home).sort("prediction_id")

    assert table["prediction_id"].to_list() == ["a", "b", "z"]
    assert table["answer"].to_list() == [0.1, 0.2, 0.5]
    assert table["version"].to_list() == [1, 1, 3]
    log.close()


def test_a_window_holds_its_start_and_not_its_end(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    for hour in range(1, 6):
        log.append(request(1, (f"id-{hour}", at(hour), 0.1)))
        seal_all(home, act, folder)
    log.close()

    assert rows(home, at(2), at(4))["prediction_id"].to_list() == ["id-2", "id-3"]
    assert len(found(home, at(2), at(4))) == 2
    assert rows(home, at(6), at(9)).height == 0
    assert rows(home, at(6), at(9)).columns == ["prediction_id", "at", "version", "answer"]


def test_inputs_that_came_later_are_null_before(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.1), distance=500))
    seal_all(home, act, folder)
    log.append(request(2, ("b", at(2), 0.2), distance=700, wind=3.5))
    seal_all(home, act, folder)
    log.close()

    assert inputs_of(rows(home)).to_dict(as_series=False) == {"distance": [500, 700], "wind": [None, 3.5]}


def test_an_input_may_have_the_name_of_a_column_of_the_log(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.1), version=7, answer=8, at="noon"))
    seal_all(home, act, folder)
    log.close()

    table = rows(home)
    assert (table["version"].to_list(), table["answer"].to_list()) == ([1], [0.1])
    assert inputs_of(table).to_dict(as_series=False) == {"version": [7], "answer": [8], "at": ["noon"]}


def test_only_segments_that_are_sealed_to_their_end_and_abandoned_are_removed(
    home: Home, act: Act, folder: Path
) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.1)))
    unsealed_yet = remove(home, folder)
    seal_all(home, act, folder)
    writer_lives = remove(home, folder)
    log.append(request(1, ("b", at(2), 0.2)))
    log.close()
    sealed_in_part = remove(home, folder)
    seal_all(home, act, folder)

    at_last = remove(home, folder)

    assert [len(left) for left in (unsealed_yet, writer_lives, sealed_in_part, at_last)] == [1, 1, 1, 0]
    assert rows(home)["prediction_id"].to_list() == ["a", "b"]


def test_a_fresh_segment_without_records_is_kept_for_its_writer(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)

    assert len(remove(home, folder)) == 1

    log.append(request(1, ("a", at(1), 0.1)))
    log.close()
    assert seal_all(home, act, folder).rows == 1


def test_what_a_killed_process_logged_is_sealed(home: Home, act: Act, folder: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom evergreen.traffic.segment import SegmentWriter\n"
        "log = SegmentWriter(Path(sys.argv[1]))\nlog.append(bytes.fromhex(sys.argv[2]))\nos.kill(os.getpid(), 9)\n"
    )
    payload = request(1, ("a", at(1), 0.1), ("b", at(1), 0.2)).hex()
    ended = subprocess.run([sys.executable, "-c", script, str(folder), payload], check=False).returncode

    seal_all(home, act, folder)

    assert ended == -9
    assert rows(home)["prediction_id"].to_list() == ["a", "b"]
    assert remove(home, folder) == []


def test_a_torn_tail_is_neither_sealed_nor_removed(home: Home, act: Act, folder: Path) -> None:
    log = SegmentWriter(folder)
    log.append(request(1, ("a", at(1), 0.1)))
    log.close()
    with segments(folder)[0].open("ab") as file:
        file.write(b"\x40\x00\x00\x00torn")

    seal_all(home, act, folder)

    assert unsealed(home, folder) == (None, [])
    assert len(remove(home, folder)) == 1
