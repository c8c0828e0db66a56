"""Where all randomness of a benchmark comes from: a hash of what is being drawn."""

import hashlib
import json

import numpy as np


def item_seed(seed: int, video_id: str, k: int, family: str, purpose: str) -> int:
    """Seed of one draw, in [0, 2**32): the first 32 bits of the SHA-256 of its name.

    It depends on nothing else: not on the order of the work, the number of processes or which other
    videos there are. The name is the seed of the benchmark, the source video, its variant k from 0,
    the background family in lower case, and what is drawn, e.g. ``'background'``.
    """
    name = json.dumps([seed, video_id, k, family, purpose], separators=(',', ':'))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], 'big')


def item_rng(seed: int, video_id: str, k: int, family: str, purpose: str) -> np.random.RandomState:
    """Generator of one draw; see :func:`item_seed`. Its stream is fixed by NumPy for good."""
    return np.random.RandomState(item_seed(seed, video_id, k, family, purpose))
