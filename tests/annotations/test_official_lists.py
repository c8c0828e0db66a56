"""Official lists: published counts, and MMAction2's own parsers as the oracle."""

import re
import shutil
from collections import Counter

import pytest

from albar_mm.annotations.official_lists import (
    SPECS,
    check_sizes,
    hmdb51_source,
    read_hmdb51,
    read_jhmdb21,
    read_kinetics400,
    read_lists,
    read_ucf101,
)
from albar_mm.annotations.video_lists import parse_line

from ..preparation.official import mmaction2_parsers, write_jhmdb21, write_kinetics400, write_ucf101
from ..refused import refused


def as_mmaction2(clips):
    return [(clip.path.rpartition('.')[0], clip.label) for clip in clips]


@pytest.mark.real_data
def test_hmdb51_lists(real_data, tmp_path, monkeypatch):
    folder = tmp_path / 'data' / 'hmdb51' / 'annotations'
    shutil.copytree(real_data / 'hmdb51_splits', folder)
    lists = [read_hmdb51(real_data / 'hmdb51_splits', split) for split in (1, 2, 3)]
    for name in lists[0].classes:
        (tmp_path / 'data' / 'hmdb51' / 'videos' / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for ours, theirs in zip(lists, mmaction2_parsers().parse_hmdb51_split(level=2), strict=True):
        assert (len(ours.train), len(ours.test)) == (3570, 1530)
        # 70 and 30 clips of every class
        assert set(Counter(clip.label for clip in ours.train).values()) == {70}
        assert set(Counter(clip.label for clip in ours.test).values()) == {30}
        assert (as_mmaction2(ours.train), as_mmaction2(ours.test)) == theirs
    labels = {name: label for label, name in enumerate(lists[0].classes)}
    assert (len(labels), labels['climb'], labels['climb_stairs']) == (51, 5, 6)


@pytest.mark.real_data
def test_ucf101_lists(real_data, tmp_path, monkeypatch):
    (tmp_path / 'data' / 'ucf101').mkdir(parents=True)
    (tmp_path / 'data' / 'ucf101' / 'annotations').symlink_to(real_data / 'ucf101')
    monkeypatch.chdir(tmp_path)
    sizes = [(9537, 3783), (9586, 3734), (9624, 3696)]
    theirs = mmaction2_parsers().parse_ucf101_splits(level=2)
    for split, (size, oracle) in enumerate(zip(sizes, theirs, strict=True), 1):
        ours = read_ucf101(real_data / 'ucf101', split)
        assert (len(ours.train), len(ours.test)) == size
        assert (as_mmaction2(ours.train), as_mmaction2(ours.test)) == oracle
        assert len({(c.label, c.group) for c in ours.train + ours.test}) == 101 * 25
    first = read_ucf101(real_data / 'ucf101', 1)
    # the benchmark's label rule: official index minus 1
    assert first.classes[91] == 'TennisSwing' and first.classes[97] == 'WalkingWithDog'


@pytest.mark.real_data
def test_jhmdb21_lists(real_data):
    ours = read_jhmdb21(real_data / 'hmdb51_jhmdb21')
    assert (len(ours.train), len(ours.test), len(ours.classes)) == (315, 257, 21)
    assert set(Counter(clip.label for clip in ours.train).values()) == {15}
    official = read_hmdb51(real_data / 'hmdb51_splits', 1)
    # The data folder writes '@' for '#' and '&' in file names; all else is official.
    parts = official.train, official.test
    train, test = ({re.sub('[#&]', '@', c.path) for c in part} for part in parts)
    assert {c.path for c in ours.train} <= train and {c.path for c in ours.test} <= test


def test_kinetics400_lists(tmp_path, monkeypatch):
    folder = write_kinetics400(tmp_path / 'data' / 'kinetics400' / 'annotations')
    ours = read_kinetics400(folder)
    for part in ('train', 'val'):
        shutil.copy(folder / f'{part}.csv', folder / f'kinetics_{part}.csv')
    (folder / 'kinetics_test.csv').write_text('id,youtube_id,time_start,time_end,split\n')
    monkeypatch.chdir(tmp_path)
    ((train, val, _),) = mmaction2_parsers().parse_kinetics_splits(2, 'kinetics400')
    plain = [(path.replace(' ', '_'), label) for path, label in as_mmaction2(ours.train)]
    assert plain == train
    assert [(p.replace(' ', '_'), label) for p, label in as_mmaction2(ours.test)] == val
    assert ours.train[1].path == 'a b/-train_0001_000010_000020.mp4'
    # MMAction2 sorts with '_' for blanks: 'aBc' ('B' is 0x42) before 'a_b' ('_' is 0x5f)
    assert ours.classes[:2] == ('aBc', 'a b')


def test_clips_of_one_source_video_share_a_group():
    tail = 'f_cm_np1_ri_bad'
    assert hmdb51_source(f'THE_PROTECTOR_kick_{tail}_12.avi', 'kick') == 'THE_PROTECTOR'
    # the title holds the class name too
    name = f'How_to_kick_ball_(HQ)!_kick_ball_{tail}_0.avi'
    assert hmdb51_source(name, 'kick_ball') == 'How_to_kick_ball_(HQ)!'
    assert hmdb51_source('mine.avi', 'kick') == 'mine'


@pytest.mark.parametrize(
    ('line', 'wanted'),
    [
        ('a/b c (d)!.avi 3', ('a/b c (d)!.avi', 3)),
        ('a/b.avi\t12\r\n', ('a/b.avi', 12)),
        ('a/b 2.avi   0 ', ('a/b 2.avi', 0)),
    ],
)
def test_line_with_blanks(line, wanted):
    assert parse_line(line, 'list:1') == wanted


@pytest.mark.parametrize('line', ['a/b.avi', 'a/b.avi x', 'a/b.avi 1.5', '7'])
def test_line_without_number(line):
    refused(r"list:1: expected '<path> <number>'", parse_line, line, 'list:1')


@pytest.mark.parametrize(
    ('name', 'old', 'new', 'wanted'),
    [
        ('trainlist01.txt', 'Class003/v', 'Klass/v', r"trainlist01.txt:4: unknown class 'Klass'"),
        ('trainlist01.txt', '.avi 5\r', '.avi 105\r', 't01.txt:5: label 105; expected 1 to 101'),
        ('trainlist01.txt', '.avi 5\r', '.avi 6\r', 'list01.txt:5: label 6, but classInd.txt'),
        ('trainlist01.txt', '.avi 5\r', '.avi\r', r"trainlist01.txt:5: expected '<path> <number>'"),
        ('classInd.txt', '7 Class006', '8 Class006', r"classInd.txt:7: expected '7 <class>'"),
        ('testlist01.txt', None, '', r'testlist01.txt: the list is empty'),
        ('classInd.txt', '101 Class100\r\n', '', 'list01.txt:101: label 101; expected 1 to 100'),
    ],
)
def test_broken_ucf101_list(tmp_path, name, old, new, wanted):
    path = write_ucf101(tmp_path) / name
    text = path.read_bytes().decode()
    path.write_bytes((new if old is None else text.replace(old, new, 1)).encode())
    refused(wanted, read_lists, SPECS['ucf101'], tmp_path, 1)


def test_list_that_was_cut_short(tmp_path):
    path = write_ucf101(tmp_path) / 'trainlist01.txt'
    lists = read_lists(SPECS['ucf101'], tmp_path, 1)
    check_sizes(SPECS['ucf101'], lists, 1)
    path.write_text('\n'.join(path.read_text().splitlines()[:9000]))
    lists = read_lists(SPECS['ucf101'], tmp_path, 1)
    refused('name 9000 training and 3783 test clips', check_sizes, SPECS['ucf101'], lists, 1)


@pytest.mark.parametrize(
    ('name', 'wanted'),
    [
        ('hmdb51', r"no '<class>_test_split2.txt'; name the folder .* with --lists"),
        ('ucf101', r'classInd.txt: no such list; .* with --lists'),
        ('kinetics400', r'none of train.csv, .*; name the folder .* with --lists'),
        ('jhmdb21', r'index.csv: no such list; .* with --source'),
    ],
)
def test_missing_list(tmp_path, name, wanted):
    refused(wanted, read_lists, SPECS[name], tmp_path, 2)
    refused('no such folder', read_lists, SPECS[name], tmp_path / 'gone', 2)


def test_broken_csv(tmp_path):
    index = write_jhmdb21(tmp_path, train=1) / 'index.csv'
    text = index.read_text()
    for old, new, wanted in (
        ('hmdb51_split1', 'split', r'index.csv: no column hmdb51_split1'),
        ('train', 'val', r"index.csv:2: hmdb51_split1 is 'val'; expected train or test"),
        ('c20,', ',', r'index.csv:42: class is empty'),
        ('test', 'train', None),
        ('c00', 'c01', 'the lists name 20 classes, jhmdb21 has 21'),
    ):
        index.write_text(text.replace(old, new, 1) if old != 'c00' else text.replace(old, new))
        if wanted:
            refused(wanted, read_lists, SPECS['jhmdb21'], tmp_path, 1)
        else:
            assert len(read_lists(SPECS['jhmdb21'], tmp_path, 1).test) == 20


def test_hmdb51_flag(tmp_path):
    for c in range(51):
        (tmp_path / f'c{c}_test_split1.txt').write_text('a b.avi 1 \nb.avi 2\nc.avi 0\n')
    lists = read_lists(SPECS['hmdb51'], tmp_path, 1)
    assert len(lists.train) == len(lists.test) == 51 and lists.train[0].path == 'c0/a b.avi'
    (tmp_path / 'c7_test_split1.txt').write_text('a.avi 1\nb.avi 3\n')
    refused(r'c7_test_split1.txt:2: flag 3; expected 0', read_lists, SPECS['hmdb51'], tmp_path, 1)
