"""COCO run lengths worked by hand."""

import numpy as np
import pytest

from albar_mm.bias_sets.masks.folders import decode_rle


def test_list_runs_down_the_columns():
    # 3 rows, 4 columns; 2 background, 3 foreground, 4 background, 1 foreground, 2 background
    mask = decode_rle({'size': [3, 4], 'counts': [2, 3, 4, 1, 2]})
    # down the columns: 001 110 000 100
    assert mask.astype(int).tolist() == [[0, 1, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert mask.dtype == bool


def test_foreground_first_and_empty():
    assert decode_rle({'size': [2, 2], 'counts': [0, 3, 1]}).tolist() == [
        [True, True],
        [True, False],
    ]
    assert not decode_rle({'size': [2, 3], 'counts': [6]}).any()


@pytest.mark.parametrize(
    ('string', 'counts'),
    [
        # one group: value + 48; the fourth and later are differences to the run two before
        ('231', [2, 3, 1]),  # '2' = 50 - 48
        ('2310', [2, 3, 1, 3]),  # 0 + the run two before, 3
        ('231O', [2, 3, 1, 2]),  # 'O' = 79 - 48 = 31 = -1 in 5 bits; 3 - 1
        ('2311N', [2, 3, 1, 4, -1]),  # would be negative
        # 100 = 3 * 32 + 4: low group 4 + 32 (more) = 36 -> 'T' (84), high group 3 -> '3'
        ('T3', [100]),
        # 16: its bit 4 is set, so a group of zeros follows: 16 + 32 -> '`' (96), '0'
        ('`0', [16]),
    ],
)
def test_strings_by_hand(string, counts):
    item = {'size': [1, max(sum(counts), 1)], 'counts': string}
    if min(counts) < 0:
        with pytest.raises(ValueError, match='integers >= 0'):
            decode_rle(item)
        return
    expected = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    assert np.array_equal(decode_rle(item)[0], expected)


def encode_by_the_definition(mask):
    """Runs, then differences, then groups of 5 bits: an own writer of the format."""
    flat = mask.T.reshape(-1).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    runs = np.diff([0, *edges, len(flat)]).tolist()
    text = ''
    for i, run in enumerate(runs):
        value = run - runs[i - 2] if i > 2 else run
        more = True
        while more:
            low = value & 31
            value >>= 5
            more = value != (-1 if low & 16 else 0)
            text += chr((low | (32 if more else 0)) + 48)
    return {'size': list(mask.shape), 'counts': text}


@pytest.mark.parametrize('seed', range(5))
def test_any_mask_comes_back(seed):
    rng = np.random.RandomState(seed)
    mask = np.kron(rng.rand(5, 6) < 0.5, np.ones((1 + seed * 3, 1 + seed * 7))) > 0
    mask[:, :3] = mask[:, :3] & (rng.rand(len(mask), 3) < 0.3)
    assert np.array_equal(decode_rle(encode_by_the_definition(mask)), mask)


@pytest.mark.parametrize(
    ('item', 'message'),
    [
        (None, "expected an object with 'size' and 'counts'"),
        ({'size': [2, 2]}, "'size' and 'counts'"),
        ({'size': [2], 'counts': [4]}, r'expected \[height, width\]'),
        ({'size': [2, 0], 'counts': [0]}, r'expected \[height, width\]'),
        ({'size': [2, 2], 'counts': [5]}, 'the runs cover 5 of 2 x 2 pixels'),
        ({'size': [2, 2], 'counts': [1.5, 2.5]}, 'neither a string nor a list of integers'),
        ({'size': [2, 2], 'counts': 7}, 'neither a string nor a list of integers'),
        ({'size': [2, 2], 'counts': 'T'}, 'ends within a number'),
        ({'size': [2, 2], 'counts': '\n'}, 'character'),
    ],
)
def test_no_run_lengths(item, message):
    with pytest.raises(ValueError, match=message):
        decode_rle(item)
