"""One engine for all files of this folder: importing the image costs more than most tests."""

import unittest

import nested
import pytest


@pytest.fixture(scope="session", autouse=True)
def private_engine():
    try:
        nested.start_engine()
    except unittest.SkipTest as lack:
        pytest.skip(str(lack))
    yield
    nested.stop_engine()
