import zipfile

import cv2
import numpy as np
import pytest
from mmaction.registry import DATASETS

from albar_mm.datasets.published_sets import (
    one_frame_of,
    read_labels,
    read_stillmix_set,
    ucf101_class,
)
from albar_mm.utils.errors import BadVideoError
from tests.refused import refused

LENGTHS = {'a_med_1__0': 5, 'a_med_1__1': 5, 'b_goo_0__0': 3}
LABELS = {'a_med_1': 0, 'b_goo_0': 1}
PIPELINE = [
    dict(type='BiasSampleFrames', clip_len=4, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='PublishedFrameDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]


def level(item, frame):
    """Grey level of a frame: tells item and frame number apart."""
    return 20 * (1 + list(LENGTHS).index(item)) + 4 * frame


def picture(item, frame, size=(8, 12)):
    return cv2.imencode('.jpg', np.full((*size, 3), level(item, frame), np.uint8))[1].tobytes()


def levels(data):
    """Grey level of every frame of a sample."""
    return data['inputs'].float().mean(dim=(0, 1, 3, 4)).round().int().tolist()


def write_stillmix(root, pattern='frame{:06}.jpg', prefix=''):
    lines = []
    for item, count in LENGTHS.items():
        folder = root / 'frames' / item
        folder.mkdir(parents=True)
        for frame in range(count):
            (folder / pattern.format(frame + 1)).write_bytes(picture(item, frame))
        lines.append(f'{prefix}{item} {count} {LABELS[item[:-3]]}')
    (root / 'list.txt').write_text('\n'.join(lines) + '\n')
    return dict(frames=str(root / 'frames'), list=str(root / 'list.txt'))


def write_albar(root, background='Places365', items=LENGTHS, name=lambda f: f'{f + 1:05}.jpg'):
    for set_name in ('SCUBA', 'SCUFO', 'ConflFG'):
        folder = root / f'HMDB51_{set_name}_{background}'
        folder.mkdir(parents=True)
        for item, count in items.items():
            if set_name == 'SCUFO':
                (folder / f'{item}.jpg').write_bytes(picture(item, 1))
                continue
            with zipfile.ZipFile(folder / f'{item}.zip', 'w') as archive:
                for frame in reversed(range(count)):  # the order in the file does not matter
                    archive.writestr(name(frame), picture(item, frame))
    lines = (f'walk,{video}.avi,{label}\n' for video, label in LABELS.items())
    (root / 'test.csv').write_text('class,filename,label\n' + ''.join(lines))
    return root


def albar(root, **changes):
    sets = dict(scuba=['places365'], scufo=['places365'], conflfg=[])
    settings = dict(pipeline=PIPELINE, bias_root=root, dataset='HMDB51', num_classes=2, **sets)
    settings['labels'] = root / 'test.csv'
    return DATASETS.build(dict(type='ALBARBenchmarkDataset', **settings | changes))


def stillmix(files, **changes):
    settings = dict(pipeline=PIPELINE, scuba=dict(Stripe=files), dataset='HMDB51', num_classes=2)
    return DATASETS.build(dict(type='StillMixBenchmarkDataset', **settings | changes))


@pytest.mark.parametrize('pattern, prefix', [('frame{:06}.jpg', ''), ('{:06}.jpg', 'val/')])
def test_stillmix_folders(tmp_path, pattern, prefix):
    dataset = stillmix(write_stillmix(tmp_path, pattern, prefix))
    assert dataset.metainfo['sets'] == {'scuba/stripe': 3, 'scufo/stripe': 3}
    samples = [dataset[i] for i in range(6)]
    fields = [sample['data_samples'] for sample in samples]
    assert [f.pair_id for f in fields] == 2 * list(LENGTHS)
    assert [int(f.gt_label) for f in fields] == [0, 0, 1, 0, 0, 1]
    for sample, (item, count) in zip(samples, LENGTHS.items(), strict=False):
        expected = [level(item, frame % count) for frame in range(4)]
        assert np.abs(np.subtract(levels(sample), expected)).max() <= 1
    for sample, (item, count) in zip(samples[3:], LENGTHS.items(), strict=True):
        shown = set(levels(sample))
        assert len(shown) == 1  # one frame, repeated, and one of the item's
        only = shown.pop()
        assert min(abs(only - level(item, f)) for f in range(count)) <= 1
    lists = {f'HMDB51_{kind}_stripe/list.txt' for kind in ('SCUBA', 'SCUFO')}
    assert set(dataset.source_files) == lists


def test_published_sets_that_are_not_there_are_left_out_on_demand(tmp_path):
    files = write_stillmix(tmp_path / 'stillmix')
    gone = dict(frames=str(tmp_path / 'gone'), list=str(tmp_path / 'gone.txt'))
    sets = dict(Stripe=files, VQGAN=gone)
    refused('gone: no such folder', stillmix, files, scuba=sets)
    dataset = stillmix(files, scuba=sets, missing='skip')
    assert dataset.metainfo['sets'] == {'scuba/stripe': 3, 'scufo/stripe': 3}
    assert dataset.metainfo['missing_sets'] == ['scuba/vqgan', 'scufo/vqgan']
    # half of a set is broken, not absent
    half = dict(Stripe=files, VQGAN=dict(gone, list=files['list']))
    refused('gone: no such folder', stillmix, files, scuba=half, missing='skip')
    dataset = albar(write_albar(tmp_path / 'albar'), scuba=['places365', 'vqgan'], missing='skip')
    assert dataset.metainfo['missing_sets'] == ['scuba/vqgan']


def test_stillmix_scufo_frames_depend_on_the_seed_alone(tmp_path):
    files = write_stillmix(tmp_path)
    items = read_stillmix_set(files['frames'], files['list'])

    def frames(seed, background='stripe'):
        return [one_frame_of(item, seed, background)['first_index'] for item in items]

    dataset = stillmix(files, scufo_seed=3)
    assert [dataset.get_data_info(i)['start_index'] for i in range(3, 6)] == frames(3)
    drawn = np.array([frames(seed) for seed in range(60)])
    assert drawn.min(0).tolist() == [1, 1, 1] and drawn.max(0).tolist() == [5, 5, 3]
    assert [frames(seed, 'vqgan') for seed in range(60)] != drawn.tolist()


@pytest.mark.parametrize(
    'text, said',
    [
        ('a_med_1__0 5', 'list.txt:1: expected'),
        ('a_med_1 5 0', "expected '<video>__<k> n_frames label'"),
        ('../frames/a_med_1__0 5 0', "expected '<video>__<k> n_frames label'"),
        ('a_med_1__0 0 0', '0 frames'),
        ('a_med_1__0 5 2', 'list.txt:1: label: expected a whole number from 0 to 1, got 2'),
        ('a_med_1__0 5 0\na_med_1__0 5 0', r'list.txt:2: id a_med_1__0 came before, in .*:1'),
        ('c__0 5 0', 'no folder .*c__0'),
        ('a_med_1__0 6 0', r'lacks 1 of 6 frames, the first being frame000006\.jpg'),
        ('', 'the list is empty'),
    ],
)
def test_stillmix_lists_that_do_not_fit(tmp_path, text, said):
    files = write_stillmix(tmp_path)
    (tmp_path / 'list.txt').write_text(text)
    refused(said, stillmix, files)


def test_stillmix_conflict_labels_are_joined_by_id(tmp_path):
    files = write_stillmix(tmp_path)
    still = tmp_path / 'static.txt'
    rows = [f'{item} {count} {1 - LABELS[item[:-3]]}' for item, count in LENGTHS.items()]
    still.write_text('\n'.join(reversed(rows)))
    conflict = dict(stripe=dict(files, static_list=str(still)))
    dataset = stillmix(files, scufo=[], conflfg=conflict)
    assert [dataset[i]['data_samples'].conflict_label for i in range(3, 6)] == [1, 1, 0]
    still.write_text('\n'.join(rows[1:]))
    refused('names 2 ids, the set 3; 1 lack', stillmix, files, conflfg=conflict)
    still.write_text('\n'.join(rows[:2] + ['b_goo_0__0 3 1']))
    refused('b_goo_0__0 has one label, 1', stillmix, files, conflfg=conflict)

    # settings that fit no set
    refused(r"\['vqgan'\] are not among the scuba sets", stillmix, files, scufo=['vqgan'])
    refused('scuba.Stripe must be dict', stillmix, dict(frames='x', lists='y'))


def test_albar_zips(tmp_path):
    dataset = albar(write_albar(tmp_path), conflfg=['places365'])
    names = (f'{kind}/places365' for kind in ('scuba', 'scufo', 'conflfg'))
    assert dataset.metainfo['sets'] == dict.fromkeys(names, 3)
    samples = [dataset[i] for i in range(9)]
    assert [s['data_samples'].pair_id for s in samples] == 3 * sorted(LENGTHS)
    assert [int(s['data_samples'].gt_label) for s in samples] == 3 * [0, 0, 1]
    for sample, (item, count) in zip(samples, sorted(LENGTHS.items()), strict=False):
        expected = [level(item, frame % count) for frame in range(4)]
        assert np.abs(np.subtract(levels(sample), expected)).max() <= 1
    for sample, item in zip(samples[3:6], sorted(LENGTHS), strict=True):
        assert np.abs(np.subtract(levels(sample), level(item, 1))).max() <= 1


def test_albar_ucf101_labels_come_from_the_name(tmp_path):
    items = ['v_Basketball_g01_c02__0', 'v_WalkingWithDog_g07_c01__0']
    assert [ucf101_class(n[:-3]) for n in items] == ['Basketball', 'WalkingWithDog']
    folder = tmp_path / 'UCF101_SCUBA_Stripe'
    folder.mkdir()
    for item in items:
        with zipfile.ZipFile(folder / f'{item}.zip', 'w') as archive:
            archive.writestr('1.jpg', picture('b_goo_0__0', 0))
    classes = tmp_path / 'classInd.txt'
    classes.write_text('1 Archery\n2 Basketball\n3 WalkingWithDog\n')
    arguments = dict(labels=None, classes=classes, dataset='UCF101', scuba=['stripe'], scufo=[])
    dataset = albar(tmp_path, **arguments, num_classes=3)
    assert [int(dataset[i]['data_samples'].gt_label) for i in range(2)] == [1, 2]
    classes.write_text('Archery\nBasketball\n')
    refused('no label for WalkingWithDog', albar, tmp_path, **arguments, num_classes=3)


@pytest.mark.parametrize(
    'name, said',
    [
        ('a_med_1__0.ZIP', 'have one id'),
        ('notes.txt', 'expected only'),
        ('a_med_1.zip', 'expected'),
        ('c__0.zip', 'no label for c'),
    ],
)
def test_albar_files_that_do_not_fit(tmp_path, name, said):
    root = write_albar(tmp_path)
    folder = root / 'HMDB51_SCUBA_Places365'
    (folder / name).write_bytes((folder / 'a_med_1__0.zip').read_bytes())
    refused(said, albar, root)


def test_zips_that_lead_out_and_ids_that_differ(tmp_path):
    root = write_albar(tmp_path / 'out', name=lambda f: f'../{f}.jpg')
    refused(r"a_med_1__0\.zip .*'\.\./.\.jpg' leads out", albar, root, error=BadVideoError)
    root = write_albar(tmp_path)
    (root / 'HMDB51_SCUFO_Places365' / 'a_med_1__1.jpg').unlink()
    refused('1 missing from scufo/places365: a_med_1__1', albar, root, error=ValueError)


def test_frames_that_cannot_be_used_name_item_and_frame(tmp_path):
    files = write_stillmix(tmp_path)
    frame = tmp_path / 'frames' / 'a_med_1__0' / 'frame000002.jpg'
    whole = frame.read_bytes()
    for data, said in [
        (whole[:-20], 'frame000002.jpg is truncated'),
        (b'', 'can be decoded'),
        (b'GIF no image', 'can be decoded'),
        (picture('a_med_1__0', 1, (9, 9)), 'frames differ in size'),
    ]:
        frame.write_bytes(data)
        said = f'scuba/stripe a_med_1__0.*{said}'
        refused(said, stillmix(files).__getitem__, 0, error=BadVideoError)


@pytest.mark.parametrize(
    'name, text, expected',
    [
        ('a.csv', 'walk,x y.avi,3\nrun,b.mp4,0\n', {'x y': 3, 'b': 0}),
        ('a.txt', 'walk/x_1.avi 3\nrun/b.v2 0\n', {'x_1': 3, 'b.v2': 0}),
        ('a.txt', 'val/x__0 150 7\nx__1 150 7\n', {'x': 7}),
    ],
)
def test_lists_of_labels(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert read_labels(tmp_path / name) == expected


@pytest.mark.parametrize(
    'name, text, said',
    [
        ('a.csv', 'walk,x\n', r"a\.csv:1: expected 'class,filename,label'"),
        ('a.txt', 'x.avi 3\nother/x.avi 4\n', r'a\.txt:2: x has label 4, but 3 before'),
        ('a.txt', 'x.avi walk\n', r"a\.txt:1: expected '<path> <number>'"),
        ('a.txt', 'x.avi 8\n', r'a\.txt:1: label: .* to 4, got 8'),
    ],
)
def test_lists_of_labels_that_cannot_be_used(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    refused(said, read_labels, tmp_path / name, 5)
