"""From lists and videos to annotation files that MMAction2 reads, or to one clear error."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from mmaction.datasets import VideoDataset

from albar_mm.annotations.video_lists import Clip, format_lines
from albar_mm.preparation import prepare as prepare_module
from albar_mm.preparation.prepare import prepare_dataset
from albar_mm.preparation.verify import check_entries

from ..refused import refused
from ..video_files import write_frames
from .official import write_jhmdb21, write_kinetics400, write_ucf101


@pytest.fixture
def source(tmp_path):
    return write_jhmdb21(tmp_path / 'source')


def options(source, out, **extra):
    return dict(extra, out=Path(out), lists=source, videos=source / 'videos', val_share=0.3)


def quietly(text):
    """No terminal."""


def names_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def read_back(path, videos, delimiter=' '):
    dataset = VideoDataset(
        str(path), [], dict(video=str(videos)), test_mode=True, delimiter=delimiter
    )
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_written_lists_are_read_by_mmaction2(source, tmp_path):
    out = tmp_path / 'data' / 'jhmdb21'
    said = []
    done = prepare_dataset('jhmdb21', **options(source, out), say=said.append)
    lists = [f'{part}_split1.txt' for part in ('test', 'train', 'trainval', 'val')]
    assert names_in(out) == ['label_map.txt', 'report.json', *lists, 'videos']
    paths = {}
    for split, size in (('train', 63), ('val', 42), ('test', 21)):
        infos = read_back(out / f'{split}_split1.txt', out / 'videos')
        assert len(infos) == size == len(done.splits[split])
        assert {info['label'] for info in infos} == set(range(21))
        assert all(os.path.isfile(info['filename']) for info in infos)
        assert all(Path(i['filename']).parent.name == f'c{i["label"]:02d}' for i in infos)
        paths[split] = {info['filename'] for info in infos}
        assert f'{split}: {size} clips' in said
    assert len(set.union(*paths.values())) == 126
    whole = [i['filename'] for i in read_back(out / 'trainval_split1.txt', out / 'videos')]
    assert len(whole) == 105 and set(whole) == paths['train'] | paths['val']
    assert (out / 'label_map.txt').read_text().split() == [f'c{c:02d}' for c in range(21)]
    assert (out / 'videos').resolve() == (source / 'videos').resolve()
    report = json.loads((out / 'report.json').read_text())
    assert report['written'] and report['findings'] == [] and report['seed'] == 0
    assert report['clips']['val'] == dict(listed=42, written=42)
    before = (out / 'val_split1.txt').read_text()
    assert prepare_dataset('jhmdb21', **options(source, out), say=quietly).left_out == 0
    assert (out / 'val_split1.txt').read_text() == before
    prepare_dataset('jhmdb21', **options(source, out, seed=1), say=quietly)
    assert (out / 'val_split1.txt').read_text() != before


def test_nothing_held_out_and_no_list_of_it_stays(source, tmp_path):
    out, names = tmp_path / 'out', ['trainval_split1.txt', 'test_split1.txt']
    prepare_dataset('jhmdb21', **options(source, out), say=quietly)
    before = [(out / name).read_bytes() for name in names]
    done = prepare_dataset('jhmdb21', **options(source, out) | dict(val_share=0), say=quietly)
    assert list(done.splits) == ['train', 'test']
    assert not (out / 'val_split1.txt').exists()
    assert [(out / name).read_bytes() for name in names] == before
    assert (out / 'train_split1.txt').read_bytes() == before[0]
    report = json.loads((out / 'report.json').read_text())
    assert report['val_share'] == 0 and list(report['clips']) == ['train', 'test']
    prepare_dataset('jhmdb21', **options(source, out), say=quietly)
    assert (out / 'val_split1.txt').exists() and (out / names[0]).read_bytes() == before[0]


def damage(source):
    """One video gone, one cut, one of text, one without frames; their class folders and names."""
    files = sorted((source / 'videos').glob('*/*.avi'))
    gone, cut, text, empty = chosen = files[3], files[10], files[30], files[50]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:2000])
    text.write_text('nothing to see\n' * 50)
    write_frames(empty, [])
    names = [str(path.relative_to(source / 'videos')) for path in chosen]
    return dict(zip(names, ('missing', 'truncated', 'undecodable', 'zero-frame'), strict=True))


def test_broken_videos_fail_or_are_left_out(source, tmp_path):
    whole = prepare_dataset('jhmdb21', **options(source, tmp_path / 'whole'), say=quietly)
    wanted = damage(source)
    out, said = tmp_path / 'out', []
    match, given = '4 clips cannot be used.*--missing drop', options(source, out)
    refused(match, prepare_dataset, 'jhmdb21', **given, say=said.append)
    assert names_in(out) == ['report.json']
    report = json.loads((out / 'report.json').read_text())
    assert {f['name']: f['kind'] for f in report['findings']} == wanted and not report['written']
    assert all(any(name in line for line in said) for name in wanted)

    done = prepare_dataset('jhmdb21', **options(source, out, missing='drop'), say=quietly)
    assert done.left_out == 4
    for split, clips in whole.splits.items():  # the rest is where it was
        kept = [clip.path for clip in clips if clip.path not in wanted]
        assert [clip.path for clip in done.splits[split]] == kept
        infos = read_back(out / f'{split}_split1.txt', '')
        assert [info['filename'] for info in infos] == kept
    whole = read_back(out / 'trainval_split1.txt', '')
    assert len(whole) == len(done.splits['train']) + len(done.splits['val'])
    report = json.loads((out / 'report.json').read_text())
    counts = report['clips'].values()
    assert sum(of['listed'] - of['written'] for of in counts) == 4 and report['written']


def test_findings_are_capped_on_the_terminal_only(source, tmp_path):
    for path in sorted((source / 'videos').glob('*/*_f_*.avi'))[:50]:
        path.unlink()
    said = []
    prepare_dataset('jhmdb21', **options(source, tmp_path / 'out', missing='drop'), say=said.append)
    assert sum('missing: ' in line for line in said) == 20
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    rest = len(report['findings']) - 20
    assert any(line.startswith(f'  and {rest} more (30 missing') for line in said)
    assert sum(f['kind'] == 'missing' for f in report['findings']) == 50


def test_no_usable_clip_left(source, tmp_path):
    for path in (source / 'videos').glob('*/other*.avi'):
        path.unlink()
    given = options(source, tmp_path / 'out', missing='drop')
    refused('no usable clip is left for test', prepare_dataset, 'jhmdb21', **given, say=quietly)
    assert names_in(tmp_path / 'out') == ['report.json']


def test_overlap_and_duplicates(source, tmp_path):
    index = source / 'index.csv'
    lines = index.read_text().splitlines()
    index.write_text('\n'.join([*lines, lines[1]]) + '\n')  # listed twice
    match, given = (
        r'1 duplicate\), the first: duplicate: train c00/',
        options(source, tmp_path / 'a'),
    )
    refused(match, prepare_dataset, 'jhmdb21', **given, say=quietly)
    done = prepare_dataset('jhmdb21', **given | dict(missing='drop'), say=quietly)
    assert done.left_out == 1 and sum(map(len, done.splits.values())) == 126
    index.write_text('\n'.join([*lines, lines[1].replace('train', 'test')]) + '\n')
    match = r'of the lists \(1 overlap\).*index.csv:128.*:2;'
    given = options(source, tmp_path / 'b', missing='drop')
    refused(match, prepare_dataset, 'jhmdb21', **given, say=quietly)
    assert names_in(tmp_path / 'b') == ['report.json']


def test_labels_out_of_range():
    clips = [Clip(f'{label}.avi', label, 'c', 'g', f'list:{label}') for label in (-1, 0, 2, 3)]
    found = check_entries(dict(train=clips), 3)
    assert [(f.kind, f.name) for f in found] == [('label', '-1.avi'), ('label', '3.avi')]
    assert 'label 3 in list:3, expected 0 to 2' in str(found[1])


KINETICS = ['-train_0000_000000_000010', '-train_0001_000010_000020', '-val_0000_000000_000010']


@pytest.mark.parametrize('layout', ['class', 'underscore', 'flat', 'nested'])
def test_kinetics_layouts(tmp_path, layout):
    lists = write_kinetics400(tmp_path / 'csv')
    folder = {'class': 'a b', 'underscore': 'a_b', 'flat': '', 'nested': 'x/train/a_b'}[layout]
    for name in (*KINETICS, '-train_0002_000020_000030'):
        (tmp_path / 'v' / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / 'v' / folder / f'{name}.mp4').touch()
    given = tmp_path / 'out', lists, tmp_path / 'v'
    done = prepare_dataset('kinetics400', *given, decode='none', missing='drop', say=quietly)
    assert done.left_out == 1600 - 4
    sizes = {split: len(clips) for split, clips in done.splits.items()}
    assert sizes == dict(train=2, val=1, test=1)
    for split in ('train', 'val', 'test'):
        for info in read_back(tmp_path / 'out' / f'{split}.txt', tmp_path / 'v', '\t'):
            assert os.path.isfile(info['filename'])
            assert info['label'] == 1  # 'aBc' comes first
    classes = (tmp_path / 'out' / 'label_map.txt').read_text().splitlines()
    assert len(classes) == 400 and classes[1] == 'a b'


def test_one_file_of_two_kinetics_classes(tmp_path):
    """In a flat folder both entries are the same file: it can have one label only."""
    lists = write_kinetics400(tmp_path / 'csv', train=2)
    rows = (lists / 'train.csv').read_text().splitlines()
    (lists / 'train.csv').write_text('\n'.join([*rows, rows[1].replace('a b', 'aBc')]) + '\n')
    given = tmp_path / 'out', lists, tmp_path / 'v'
    (tmp_path / 'v').mkdir()
    for name in KINETICS:
        (tmp_path / 'v' / f'{name}.mp4').touch()
    done = prepare_dataset('kinetics400', *given, decode='none', missing='drop', say=quietly)
    doubles = [f for f in done.findings if f.kind == 'duplicate']
    assert [f.name for f in doubles] == ['-train_0000_000000_000010.mp4']
    assert [c.label for clips in done.splits.values() for c in clips] == [1, 1, 1]


def test_names_with_blanks_are_not_written_for_mmaction2_to_split(tmp_path):
    clips = [Clip('a b/c.avi', 0, 'a b', 'g', 'list:7')]
    refused(r"list:7: .*'a b/c.avi' holds; .*--delimiter tab", format_lines, clips)
    (tmp_path / 'list.txt').write_text(format_lines(clips, '\t'))
    assert read_back(tmp_path / 'list.txt', '', '\t')[0]['filename'] == 'a b/c.avi'
    clips = [replace(clips[0], path='a\tb.avi')]
    refused('rename the file or folder', format_lines, clips, '\t')


def test_disk_full_leaves_what_was_there(source, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    prepare_dataset('jhmdb21', **options(source, out), say=quietly)
    before = {name: (out / name).read_bytes() for name in names_in(out) if name != 'videos'}
    written = []
    write = prepare_module.write_text

    def second_fails(path, text):
        written.append(path)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return write(path, text)

    monkeypatch.setattr(prepare_module, 'write_text', second_fails)
    given = options(source, out, seed=3) | dict(val_share=0)
    refused('the disk is full: make room', prepare_dataset, 'jhmdb21', **given, say=quietly)
    assert {name: (out / name).read_bytes() for name in names_in(out) if name != 'videos'} == before


def test_no_write_permission_is_found_before_the_videos_are_read(source, tmp_path, monkeypatch):
    denied = mock.Mock(side_effect=PermissionError(errno.EACCES, 'Permission denied'))
    monkeypatch.setattr('tempfile.TemporaryFile', denied)
    said, given = [], options(source, tmp_path / 'out')
    match = 'out: cannot be written: permission denied'
    refused(match, prepare_dataset, 'jhmdb21', **given, say=said.append)
    assert said == []


def test_video_folder(source, tmp_path):
    out = tmp_path / 'out'
    match = 'out/videos: no such folder of videos; .*--videos'
    refused(match, prepare_dataset, 'jhmdb21', out, source, say=quietly)
    (out / 'videos').mkdir(parents=True)
    match = 'a folder of its own is there already'
    refused(match, prepare_dataset, 'jhmdb21', **options(source, out), say=quietly)
    (out / 'videos').rmdir()
    (out / 'videos').symlink_to(tmp_path)  # a link of an earlier run to another place
    prepare_dataset('jhmdb21', **options(source, out, decode='none'), say=quietly)
    assert (out / 'videos').resolve() == (source / 'videos').resolve()
    # videos in their place need no link, and none is made
    inside = tmp_path / 'inside'
    inside.mkdir()
    (source / 'videos').rename(inside / 'videos')
    prepare_dataset('jhmdb21', inside, source, decode='none', say=quietly)
    assert not (inside / 'videos').is_symlink()


def test_list_cut_short_writes_nothing(tmp_path):
    lists = write_ucf101(tmp_path / 'lists')
    test_list = lists / 'testlist01.txt'
    test_list.write_text('\n'.join(test_list.read_text().splitlines()[:-3]))
    (tmp_path / 'v').mkdir()
    given = tmp_path / 'out', lists, tmp_path / 'v'
    refused('the official ones 9537 and 3783', prepare_dataset, 'ucf101', *given, say=quietly)
    assert names_in(tmp_path / 'out') == []


@pytest.mark.parametrize(
    ('key', 'value'),
    [('missing', 'ignore'), ('decode', 'some'), ('workers', 0), ('val_share', 0.7)],
)
def test_wrong_option(source, tmp_path, key, value):
    match, given = f'--{key.replace("_", "-")}.*{value}', options(source, tmp_path / 'o')
    refused(match, prepare_dataset, 'jhmdb21', **given | {key: value}, say=quietly)
