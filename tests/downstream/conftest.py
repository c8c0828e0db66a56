"""What tests of both transfers share: a toy encoder with two sets of weights."""

from types import SimpleNamespace

import pytest
import torch

from tests.toy import write_toy_config


@pytest.fixture(scope='session')
def encoder(toy_videos, tmp_path_factory):
    """Config, weights and other weights of a tiny recogniser."""
    from downstream.features.encoder import FrozenEncoder

    folder = tmp_path_factory.mktemp('encoder')
    config = write_toy_config(folder / 'toy.py', toy_videos)
    torch.manual_seed(0)
    for name in ('weights.pth', 'other.pth'):
        torch.save(dict(state_dict=FrozenEncoder(config, None).model.state_dict()), folder / name)
    files = (str(folder / name) for name in ('toy.py', 'weights.pth', 'other.pth'))
    return SimpleNamespace(**dict(zip(('config', 'weights', 'other'), files, strict=True)))
