"""Data sets find their steps as in a run."""

import pytest
from mmengine.registry import init_default_scope


@pytest.fixture(autouse=True)
def scope():
    """The scope that every run of MMAction2 sets."""
    init_default_scope('mmaction')
