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
    found = decode_rle({'size': [2, 2], 'counts': [0, 3, 1]})
    assert found.tolist() == [[True, True], [True, False]]
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
        # 40 = 1 * 32 + 8; 7 - 40 = -33 = 31 - 2 * 32: 31 + 32 (more) -> 'o', then -2 -> 'N'
        ('1X11oN', [1, 40, 1, 7]),
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
