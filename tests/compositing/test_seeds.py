"""Draws depend on what is drawn and on nothing else."""

import hashlib

import numpy as np

from albar_mm.compositing.backgrounds import item_rng, item_seed


def test_seed_is_the_hash_of_its_name():
    digest = hashlib.sha256(b'[7,"a (1)#",2,"stripe","background"]').hexdigest()
    assert item_seed(7, 'a (1)#', 2, 'stripe', 'background') == int(digest[:8], 16)
    drawn = item_rng(7, 'a (1)#', 2, 'stripe', 'background').randint(1000, size=5)
    again = np.random.RandomState(int(digest[:8], 16)).randint(1000, size=5)
    assert drawn.tolist() == again.tolist()


def test_every_part_counts():
    names = [(0, 'a', 0, 'f', 'p'), (1, 'a', 0, 'f', 'p'), (0, 'b', 0, 'f', 'p')]
    names += [(0, 'a', 1, 'f', 'p'), (0, 'a', 0, 'g', 'p'), (0, 'a', 0, 'f', 'q')]
    assert len({item_seed(*name) for name in names}) == len(names)
