from pathlib import Path

import pytest

from evergreen.core.errors import Invalid
from evergreen.execution.loading import load_pipeline

TEXT = """
import evergreen as eg
from numbers_of_mine import NUMBER

@eg.step
def fit(number):
    return number

@eg.pipeline
def train(number: int = NUMBER):
    return fit(number)
"""


def _write(folder: Path, number: int) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "flow.py").write_text(TEXT)
    (folder / "numbers_of_mine.py").write_text(f"NUMBER = {number}\n")
    return folder


def test_code_that_changed_since_it_was_imported_is_imported_anew(tmp_path: Path) -> None:
    folder = _write(tmp_path / "one", 1)
    assert load_pipeline(folder, "flow:train").graph().params == {"number": 1}

    _write(folder, 22)

    assert load_pipeline(folder, "flow:train").graph().params == {"number": 22}


def test_two_projects_with_modules_of_the_same_names_do_not_mix(tmp_path: Path) -> None:
    one, two = _write(tmp_path / "one", 1), _write(tmp_path / "two", 2)

    assert load_pipeline(one, "flow:train").graph().params == {"number": 1}
    assert load_pipeline(two, "flow:train").graph().params == {"number": 2}
    assert load_pipeline(one, "flow:train").graph().params == {"number": 1}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flow:tran", 'no "tran"'),
        ("flow:fit", "is no pipeline"),
        ("flows:train", 'cannot import "flows"'),
    ],
)
def test_what_is_no_pipeline_is_invalid(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        load_pipeline(_write(tmp_path / "one", 1), name)


def test_a_module_that_fails_says_how(tmp_path: Path) -> None:
    folder = _write(tmp_path / "one", 1)
    (folder / "flow.py").write_text("1 / 0\n")

    with pytest.raises(Invalid, match="ZeroDivisionError"):
        load_pipeline(folder, "flow:train")
