"""Calls that are refused, with what is said about them."""

from collections.abc import Callable

import pytest

from albar_mm.utils.errors import DatasetError


def refused(match: str, call: Callable, /, *args, error: type[Exception] = DatasetError, **kwargs):
    """Assert that the call raises ``error`` with a message that has ``match``; the message."""
    with pytest.raises(error, match=match) as caught:
        call(*args, **kwargs)
    return str(caught.value)
