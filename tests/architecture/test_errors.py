"""Errors cross processes: each one must arrive as it was."""

import importlib
import pickle
import pkgutil
from collections.abc import Iterator

import pytest

import evergreen
from evergreen.core.errors import EvergreenError


def every_error() -> list[type[EvergreenError]]:
    """Import every module but the optional adapters, migrations and entry points; list the tree of errors."""
    for module in pkgutil.walk_packages(evergreen.__path__, "evergreen."):
        if not any(part in module.name for part in (".flavours.", ".migrations.", ".__main__")):
            importlib.import_module(module.name)

    def below(error: type[EvergreenError]) -> Iterator[type[EvergreenError]]:
        yield error
        for child in error.__subclasses__():
            yield from below(child)

    found = set(below(EvergreenError))
    return sorted(
        (error for error in found if error.__module__.startswith("evergreen.")), key=lambda error: error.__name__
    )


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.__name__)
def test_an_error_survives_pickling(error: type[EvergreenError]) -> None:
    # some build their own text from facts; what is pickled is the common state
    original = error.__new__(error)
    EvergreenError.__init__(original, "it broke", hint="mend it", place="$.steps[2]")

    again = pickle.loads(pickle.dumps(original))

    assert type(again) is error
    assert (str(again), again.message, again.hint, again.facts) == (
        "it broke",
        "it broke",
        "mend it",
        {"place": "$.steps[2]"},
    )


def test_no_two_errors_share_a_name() -> None:
    names = [error.__name__ for error in every_error()]

    assert len(names) == len(set(names))
