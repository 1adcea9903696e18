"""Records survive the death of their process, and a reader takes nothing that was not written whole."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.core.errors import Invalid, Unavailable
from evergreen.traffic.segment import (
    LARGEST_RECORD_BYTES,
    SegmentWriter,
    is_abandoned,
    read_records,
    segments,
)


def payloads(path: Path, start: int = 0) -> list[bytes]:
    return [payload for payload, _ in read_records(path, start)]


def written(folder: Path, *records: bytes) -> Path:
    """Write ``records`` to a segment of their own, close it, and return where it is."""
    before = set(segments(folder))
    log = SegmentWriter(folder)
    for record in records:
        log.append(record)
    log.close()
    (path,) = set(segments(folder)) - before
    return path


def test_records_come_back_in_their_order(tmp_path: Path) -> None:
    path = written(tmp_path, b"first", b"", b"third" * 10_000)

    assert payloads(path) == [b"first", b"", b"third" * 10_000]


def test_reading_goes_on_at_the_position_that_a_record_came_with(tmp_path: Path) -> None:
    path = written(tmp_path, b"first", b"second", b"third")
    positions = [position for _, position in read_records(path)]

    assert payloads(path, positions[0]) == [b"second", b"third"]
    assert payloads(path, positions[2]) == []
    assert positions[2] == path.stat().st_size


def test_a_reader_sees_what_was_appended_while_the_writer_lives(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path)
    (path,) = segments(tmp_path)

    log.append(b"first")
    first = payloads(path)
    log.append(b"second")

    assert (first, payloads(path)) == ([b"first"], [b"first", b"second"])
    log.close()


@pytest.mark.parametrize("kept", range(1, 14))
def test_a_torn_tail_ends_the_reading(tmp_path: Path, kept: int) -> None:
    path = written(tmp_path, b"whole", b"torn!!")
    whole = 8 + len(b"whole")
    with path.open("r+b") as file:
        file.truncate(whole + kept)

    assert payloads(path) == [b"whole"]


def test_a_tail_of_zeros_as_a_power_loss_leaves_is_no_record(tmp_path: Path) -> None:
    path = written(tmp_path, b"whole")
    with path.open("ab") as file:
        file.write(bytes(4096))

    assert payloads(path) == [b"whole"]


@given(st.data())
def test_no_damaged_byte_gives_a_record_that_was_not_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    records = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
    path = written(tmp_path_factory.mktemp("log"), *records)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))

    found = payloads(path)

    assert found == records[: len(found)]
    assert len(found) < len(records)


def test_a_segment_is_never_opened_again(tmp_path: Path) -> None:
    first, second = written(tmp_path, b"a"), written(tmp_path, b"b")

    assert segments(tmp_path) == [first, second]
    assert [payloads(path) for path in segments(tmp_path)] == [[b"a"], [b"b"]]


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path, largest_segment_bytes=1000)
    records = [bytes([number]) * 300 for number in range(10)]

    for record in records:
        log.append(record)
    log.close()

    found = segments(tmp_path)
    assert sorted(payload for path in found for payload in payloads(path)) == records
    assert all(path.stat().st_size <= 1000 for path in found)
    assert len(found) == 4


def test_a_log_whose_folder_was_away_goes_on_when_it_is_back(tmp_path: Path) -> None:
    folder, away = tmp_path / "log", tmp_path / "away"
    log = SegmentWriter(folder, largest_segment_bytes=100)
    log.append(b"a" * 80)
    folder.rename(away)
    folder.write_bytes(b"in the way")

    for _ in range(2):
        with pytest.raises(Unavailable, match="cannot open a prediction log"):
            log.append(b"b" * 80)
    folder.unlink()
    away.rename(folder)
    log.append(b"c" * 80)
    log.close()

    assert sorted(payload for path in segments(folder) for payload in payloads(path)) == [b"a" * 80, b"c" * 80]


def test_a_record_too_large_to_be_read_back_is_refused_and_harms_no_other(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path)

    with pytest.raises(Invalid, match="too large for the log"):
        log.append(bytes(LARGEST_RECORD_BYTES + 1))
    log.append(b"after")
    log.close()

    assert payloads(segments(tmp_path)[0]) == [b"after"]


def test_a_closed_log_refuses_records(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path)
    log.close()
    log.close()

    with pytest.raises(Unavailable, match="is closed"):
        log.append(b"late")
    assert len(segments(tmp_path)) == 1


def test_threads_append_without_tearing_each_other_apart(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path, largest_segment_bytes=20_000)
    records = [f"{number:04}".encode() * (number % 50 + 1) for number in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, records))
    log.close()

    assert sorted(payload for path in segments(tmp_path) for payload in payloads(path)) == sorted(records)


def test_no_thread_is_left_after_closing(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    log = SegmentWriter(tmp_path)
    started = set(threading.enumerate()) - before

    log.close()
    for thread in started:
        thread.join(10)

    assert len(started) == 1
    assert not any(thread.is_alive() for thread in started)


# ------------------------------------------------------------------ processes

WRITER = """
import sys
from pathlib import Path

from evergreen.traffic.segment import SegmentWriter

log = SegmentWriter(Path(sys.argv[1]))
print("open", flush=True)
number = 0
while True:
    log.append(f"{number}".encode() * (number % 100))
    print(number, flush=True)
    number += 1
"""


def writer(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)


def killed(process: subprocess.Popen[str], after: int) -> int:
    """Kill the writer once it has acknowledged ``after`` records, and return how many it had by then."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after + 1)]
    assert lines[0] == "open\n"
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split("\n")[:-1]
    process.stdout.close()
    assert process.wait(20) == -signal.SIGKILL
    return after + len(rest)


@pytest.mark.parametrize("after", [1, 50, 700])
def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path, after: int) -> None:
    acknowledged = killed(writer(tmp_path), after)

    (path,) = segments(tmp_path)
    found = payloads(path)
    assert found == [f"{number}".encode() * (number % 100) for number in range(len(found))]
    assert acknowledged <= len(found) <= acknowledged + 1


def test_two_processes_write_two_segments(tmp_path: Path) -> None:
    first, second = writer(tmp_path), writer(tmp_path)

    acknowledged = {killed(first, 40), killed(second, 60)}

    lengths = sorted(len(payloads(path)) for path in segments(tmp_path))
    assert len(lengths) == 2
    assert all(count <= length <= count + 1 for count, length in zip(sorted(acknowledged), lengths, strict=True))


def test_a_segment_is_abandoned_once_its_process_is_gone(tmp_path: Path) -> None:
    process = writer(tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    (path,) = segments(tmp_path)

    while_alive = is_abandoned(path)
    killed_after = killed_anyhow(process)

    assert (while_alive, is_abandoned(path), killed_after) == (False, True, -signal.SIGKILL)


def killed_anyhow(process: subprocess.Popen[str]) -> int:
    process.kill()
    assert process.stdout is not None
    process.stdout.close()
    return process.wait(20)


def test_a_segment_is_not_abandoned_by_asking_and_is_by_closing(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path)
    (path,) = segments(tmp_path)

    asked = [is_abandoned(path), is_abandoned(path)]
    log.append(b"still works")
    log.close()

    assert asked == [False, False]
    assert is_abandoned(path)
    assert payloads(path) == [b"still works"]


def test_a_child_started_by_the_writer_does_not_keep_the_segment(tmp_path: Path) -> None:
    log = SegmentWriter(tmp_path)
    (path,) = segments(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        log.close()
        abandoned = is_abandoned(path)
        os.kill(child.pid, signal.SIGKILL)

    assert abandoned
