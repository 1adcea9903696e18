import time
import uuid

from evergreen.core.ids import derived_id, new_id


def test_a_new_id_is_a_uuid_of_version_7_that_tells_when_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_ids_made_one_after_the_other_sort_so() -> None:
    made = []
    for _ in range(200):
        made.append(new_id())
        time.sleep(1e-6)

    assert made == sorted(made)
    assert len(set(made)) == 200


def test_a_derived_id_is_the_same_for_the_same_names_only() -> None:
    parent = new_id()

    assert derived_id(parent, "run", "1") == derived_id(parent, "run", "1")
    assert len({derived_id(parent, "run"), derived_id(parent, "promote"), derived_id(new_id(), "run")}) == 3
