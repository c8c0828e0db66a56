"""What is held out: disjoint, in whole groups, of every class, the same everywhere."""

import random
from collections import Counter

import pytest

from albar_mm.annotations.official_lists import read_hmdb51, read_jhmdb21, read_ucf101
from albar_mm.annotations.video_lists import Clip
from albar_mm.preparation.holdout import hold_out
from albar_mm.utils.errors import DatasetError


def clips_of(sizes, name='c', label=0):
    pairs = [(g, i) for g, size in enumerate(sizes) for i in range(size)]
    return [Clip(f'{name}/{g}_{i}.avi', label, name, f'g{g}', 'list:1') for g, i in pairs]


def check(clips, parts):
    """Invariants of any hold-out."""
    assert set(parts.train) | set(parts.val) == set(clips)
    assert not {c.path for c in parts.train} & {c.path for c in parts.val}
    groups = [{(c.class_name, c.group) for c in part} for part in (parts.train, parts.val)]
    assert {f'{name}/{group}' for name, group in groups[0] & groups[1]} == set(parts.divided)
    names = {c.class_name for c in clips}
    assert {c.class_name for c in parts.train} == names
    assert {c.class_name for c in parts.val} == names - set(parts.not_held_out)


@pytest.mark.parametrize('divide', [False, True])
def test_invariants_on_random_sets(divide):
    draw = random.Random(5)
    for seed in range(60):
        clips = []
        for label in range(6):
            sizes = [draw.randint(1, 12) for _ in range(draw.randint(1, 15))]
            clips += clips_of(sizes, f'c{label}', label)
        share = draw.uniform(0.02, 0.5)
        parts = hold_out(clips, share, seed, divide_groups=divide)
        check(clips, parts)
        if not divide:
            assert not parts.divided
        mixed = clips[:]
        draw.shuffle(mixed)
        again = hold_out(mixed, share, seed, divide_groups=divide)
        assert set(again.val) == set(parts.val)


def test_sizes_by_hand():
    # 20 % of 20 is 4: two whole pairs
    parts = hold_out(clips_of([2] * 10), 0.2)
    assert len(parts.val) == 4 and len({c.group for c in parts.val}) == 2
    # 40 % of 5 is 2: the pair, or both single clips, but never one of each
    assert {len(hold_out(clips_of([2, 1, 1, 1]), 0.4, seed).val) for seed in range(20)} == {2}
    # 10 % of 20 is 2; one group of 3 is nearer than none
    assert len(hold_out(clips_of([3, 17]), 0.1).val) == 3
    # no group is near: single clips, or else the smallest group
    parts = hold_out(clips_of([8, 12]), 0.1, divide_groups=True)
    assert len(parts.val) == 2 and parts.divided
    assert {c.group for c in hold_out(clips_of([12, 8]), 0.1).val} == {'g1'}
    # one group only
    assert hold_out(clips_of([9]), 0.1).not_held_out == ('c',)
    assert len(hold_out(clips_of([9]), 0.2, divide_groups=True).val) == 2
    assert hold_out(clips_of([1]), 0.5, divide_groups=True).not_held_out == ('c',)


def test_seed_and_other_classes():
    own = clips_of([2] * 20)
    first = hold_out(own, 0.2, seed=0)
    assert hold_out(own, 0.2, seed=1).val != first.val
    both = hold_out(own + clips_of([3] * 9, 'other', 1), 0.2, seed=0)
    assert [c for c in both.val if c.class_name == 'c'] == list(first.val)


def test_nothing_is_held_out():
    clips = clips_of([2, 3, 1])
    parts = hold_out(clips, 0, divide_groups=True)
    assert list(parts.train) == clips
    assert (parts.val, parts.divided, parts.not_held_out) == ((), (), ())


@pytest.mark.parametrize('share', [-0.1, 0.6, float('nan')])
def test_share_out_of_range(share):
    with pytest.raises(DatasetError, match='--val-share'):
        hold_out(clips_of([2, 2]), share)


@pytest.mark.real_data
@pytest.mark.parametrize('share', [0.1, 0.2])
def test_official_lists(real_data, share):
    for split in (1, 2, 3):
        for lists, divide in (
            (read_hmdb51(real_data / 'hmdb51_splits', split), True),
            (read_ucf101(real_data / 'ucf101', split), False),
        ):
            parts = hold_out(lists.train, share, 0, divide_groups=divide)
            check(lists.train, parts)
            # whole groups do for every class of both
            assert not parts.divided and not parts.not_held_out
            assert abs(len(parts.val) / len(lists.train) - share) < 0.01
            assert not {c.path for c in parts.train + parts.val} & {c.path for c in lists.test}
            # nor does a class get far more or less than its share
            held, listed = (Counter(c.label for c in part) for part in (parts.val, lists.train))
            shares = [held[label] / listed[label] for label in listed]
            assert share - 0.06 < min(shares) and max(shares) < share + 0.07
    jhmdb = read_jhmdb21(real_data / 'hmdb51_jhmdb21')
    parts = hold_out(jhmdb.train, share, 0, divide_groups=True)
    check(jhmdb.train, parts)
    assert len(parts.train) + len(parts.val) == 315 and not parts.not_held_out
