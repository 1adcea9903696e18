"""What ``import evergreen`` offers, pinned: every name costs a page of documents."""

from __future__ import annotations

import pytest

import evergreen


def test_the_public_names_are_these() -> None:
    assert sorted(evergreen.__all__) == [
        "EvergreenError",
        "Model",
        "Table",
        "__version__",
        "connect",
        "dataset",
        "log",
        "pipeline",
        "step",
    ]


@pytest.mark.parametrize("name", evergreen.__all__)
def test_each_public_name_can_be_loaded(name: str) -> None:
    assert getattr(evergreen, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = evergreen.nosuch
