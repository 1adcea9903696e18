"""Every example in a docstring does what it says."""

import doctest
import importlib
import pkgutil

import pytest

import evergreen

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(evergreen.__path__, "evergreen.")
    if not any(part in f"{module.name}." for part in (".migrations.", ".__main__."))
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    tried = doctest.testmod(importlib.import_module(name), raise_on_error=False)

    assert tried.failed == 0
