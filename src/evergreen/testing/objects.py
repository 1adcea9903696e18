"""The contract of ``evergreen.store.objects.Objects``, as tests.

A backend's test module inherits ``ObjectsContract`` and makes a fixture ``objects`` that gives an empty one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from evergreen.core.digest import Digest, digest_of
from evergreen.core.errors import Invalid, NotFound
from evergreen.store.objects import Objects

__all__ = ["ObjectsContract"]

_ABSENT = digest_of(b"nobody put this")


class ObjectsContract:
    """What every place for objects must do."""

    @pytest.mark.parametrize("size", [0, 1, 4096, 1_000_003])
    def test_bytes_come_back_as_they_were_put(self, objects: Objects, size: int) -> None:
        data = bytes(number % 251 for number in range(size))

        digest = objects.put(data)

        assert digest == digest_of(data)
        assert objects.get(digest) == data

    def test_a_view_is_put_as_its_bytes(self, objects: Objects) -> None:
        data = bytearray(b"some bytes that change afterwards")

        digest = objects.put(memoryview(data))
        data[:4] = b"none"

        assert objects.get(digest) == b"some bytes that change afterwards"

    def test_putting_again_changes_nothing(self, objects: Objects) -> None:
        first, second = objects.put(b"same"), objects.put(b"same")

        assert first == second
        assert list(objects.digests()) == [first]

    def test_an_object_is_there_only_once_it_was_put(self, objects: Objects) -> None:
        digest = objects.put(b"here")

        assert objects.has(digest)
        assert not objects.has(_ABSENT)

    def test_an_absent_object_is_not_found(self, objects: Objects) -> None:
        with pytest.raises(NotFound, match=_ABSENT[:12]):
            objects.get(_ABSENT)

    @pytest.mark.parametrize("text", ["", "abc", "../../etc/passwd", "A" * 64, "é" * 64, "0" * 63 + "/"])
    def test_what_is_no_digest_is_invalid(self, objects: Objects, text: str) -> None:
        with pytest.raises(Invalid, match="is not a digest"):
            objects.get(Digest(text))
        with pytest.raises(Invalid, match="is not a digest"):
            objects.has(Digest(text))

    def test_every_object_is_listed_once(self, objects: Objects) -> None:
        put = {objects.put(f"object {number}".encode()) for number in range(50)}

        listed = list(objects.digests())

        assert len(listed) == 50
        assert set(listed) == put

    def test_an_empty_place_lists_nothing(self, objects: Objects) -> None:
        assert list(objects.digests()) == []

    def test_threads_may_put_the_same_and_different_bytes_at_once(self, objects: Objects) -> None:
        contents = [f"object {number % 10}".encode() * 1000 for number in range(200)]

        with ThreadPoolExecutor(8) as pool:
            digests = list(pool.map(objects.put, contents))

        assert [objects.get(digest) for digest in digests] == contents
        assert len(list(objects.digests())) == 10
