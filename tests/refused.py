"""Calls that are refused, with what is said about them."""

from collections.abc import Callable

import pytest

from albar_mm.utils.errors import DatasetError


def refused(match: str, call: Callable, /, *args, error: type[Exception] = DatasetError, **kwargs):
    """Assert that the call raises ``error``, in one line that has ``match``; that line."""
    with pytest.raises(error, match=match) as caught:
        call(*args, **kwargs)
    assert '\n' not in str(caught.value)
    return str(caught.value)
