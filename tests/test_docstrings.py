"""The examples in the docstrings of the engine and the layers run and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import geo_risk
import layers


def modules(package):
    found = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [name for name in found if not name.endswith("migrations.env")]  # that one runs in alembic only


@pytest.mark.parametrize("name", [*modules(geo_risk), *modules(layers)])
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
