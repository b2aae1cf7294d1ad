"""The examples in the docstrings of the engine and the layers run and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import geo_risk
import layers


def modules(package):
    return [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


@pytest.mark.parametrize("name", [*modules(geo_risk), *modules(layers)])
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
