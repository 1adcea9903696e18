from typing import Any

import pytest

from evergreen.core.digest import digest_of
from evergreen.pipelines.key import step_key

SAME: dict[str, Any] = {
    "step": "pipeline:fit",
    "code": digest_of(b"code"),
    "lock": ["numpy==2.1", "polars==1.30"],
    "arguments": {"rate": 0.1, "rows": {"digest": "a"}},
}


def test_the_same_work_has_the_same_key_whatever_the_order() -> None:
    turned = SAME | {"lock": SAME["lock"][::-1], "arguments": dict(reversed(SAME["arguments"].items()))}

    assert step_key(**SAME) == step_key(**turned)


@pytest.mark.parametrize(
    "change",
    [
        {"step": "other:fit"},
        {"code": digest_of(b"other code")},
        {"lock": ["numpy==2.2", "polars==1.30"]},
        {"arguments": {"rate": 0.2, "rows": {"digest": "a"}}},
        {"arguments": {"rate": 0.1, "rows": {"digest": "b"}}},
        {"arguments": {"rate": 0.1}},
    ],
)
def test_any_change_of_what_a_step_rests_on_changes_the_key(change: dict[str, Any]) -> None:
    assert step_key(**SAME) != step_key(**(SAME | change))
