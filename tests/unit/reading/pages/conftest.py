"""Decoders of a test's own."""

from collections.abc import Iterator

import pytest

from service.reading.pages import close_decoders


@pytest.fixture
def no_decoder() -> Iterator[None]:
    """No decoder runs yet: the one that the test starts is the test's own."""
    close_decoders()
    yield
    close_decoders()
