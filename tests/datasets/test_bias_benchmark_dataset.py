import json
import shutil

import numpy as np
import pytest
from mmaction.registry import DATASETS

from albar_mm.datasets import bias_benchmark_dataset
from albar_mm.utils.errors import BadVideoError
from albar_mm.utils.files import read_json_lines

from ..evaluation.tiny_benchmark import item_ids, test_pipeline, write_benchmark, write_manifest
from ..refused import refused
from ..video_files import write_frames


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp('benchmark')
    return root, write_benchmark(root)


@pytest.fixture
def copied(written, tmp_path):
    """A private copy of the benchmark, to be broken."""
    root = tmp_path / 'copy'
    shutil.copytree(written[0], root)
    arguments = json.loads(json.dumps(written[1]).replace(str(written[0]), str(root)))
    return root, arguments


def build(arguments, **changes):
    given = dict(type='BiasBenchmarkDataset', pipeline=test_pipeline())
    return DATASETS.build(given | arguments | changes)


def edit_manifest(root, folder, edit):
    rows = [row for _, row in read_json_lines(root / 'bias' / folder / 'manifest.jsonl')]
    write_manifest(root / 'bias' / folder, edit(rows) or rows)


def test_every_set_with_its_fields(written):
    dataset = build(written[1])
    names = [f'{domain}/{of}' for domain in ('scuba', 'scufo') for of in ('places365', 'stripe')]
    sets = {'iid/original': 3, **dict.fromkeys([*names, 'conflfg/stripe'], 5)}
    assert list(dataset.metainfo['sets'].items()) == list(sets.items())
    assert len(dataset) == 28
    fields = [dataset[i]['data_samples'] for i in range(len(dataset))]
    assert [f.pair_id for f in fields[:3]] == ['rise_a.avi', 'rise_b.avi', 'fall_a.avi']
    assert {f.background for f in fields[:3]} == {'original'}
    for number, name in enumerate(list(dataset.metainfo['sets'])[1:]):
        group = fields[3 + 5 * number : 8 + 5 * number]
        assert {f'{f.domain}/{f.background}' for f in group} == {name}
        labels = {item: label for item, (_, label) in item_ids().items()}
        assert {f.pair_id: f.gt_label.item() for f in group} == labels
    assert [f.conflict_label for f in fields[23:]] == [1 - f.gt_label.item() for f in fields[23:]]
    assert all('conflict_label' not in f for f in fields[:23])
    groups = [dataset.batch_group(i) for i in (0, 3, 12, 13, 27)]
    assert groups == ['iid', 'scuba', 'scuba', 'scufo', 'conflfg']


def test_pixels_come_from_the_right_file(written):
    """SCUBA brightness changes with the label, SCUFO stands still."""
    dataset = build(written[1])
    for index in range(len(dataset)):
        packed = dataset[index]
        sample = packed['data_samples']
        levels = packed['inputs'].float().mean(dim=(0, 1, 3, 4)).numpy()
        if sample.domain == 'scufo':
            assert np.ptp(levels) < 2
        else:
            assert np.sign(levels[-1] - levels[0]) == (1 if sample.gt_label.item() == 0 else -1)


def test_only_the_sets_asked_for_are_read(copied):
    root, arguments = copied
    shutil.rmtree(root / 'bias' / 'TOY_ConflFG_Stripe')
    (root / 'bias' / 'TOY_SCUFO_Stripe' / 'manifest.jsonl').write_text('broken')
    dataset = build(arguments, scuba=['stripe'], scufo=[], conflfg=[], iid=None)
    assert dataset.metainfo['sets'] == {'scuba/stripe': 5}
    only_iid = build(arguments, scuba=[], scufo=[], conflfg=[], bias_root=None)
    assert only_iid.metainfo['sets'] == {'iid/original': 3}


def test_pipeline_per_domain(written):
    dataset = build(written[1], pipelines=dict(iid=test_pipeline(clip_len=4)))
    assert dataset[0]['inputs'].shape[2] == 4
    assert dataset[3]['inputs'].shape[2] == 8
    assert list(dataset.pipelines) == ['iid', 'scuba', 'scufo', 'conflfg']


def test_folders_match_in_any_case_and_source_files_have_no_machine_path(written):
    dataset = build(written[1], dataset='toy', scuba=['PLACES365'], scufo=['places365'])
    assert 'scuba/places365' in dataset.metainfo['sets']
    kinds = 'SCUBA_Places365 SCUBA_Stripe SCUFO_Places365 SCUFO_Stripe ConflFG_Stripe'.split()
    manifests = [f'TOY_{kind}/manifest.jsonl' for kind in kinds]
    assert list(build(written[1]).source_files) == ['iid/test.txt', *manifests]


@pytest.mark.parametrize(
    'changes, match',
    [
        (dict(iid=None, scuba=[], scufo=[], conflfg=[]), 'ask for at least one set'),
        (dict(bias_root=None), 'bias_root is needed to read scuba, scufo, conflfg'),
        (dict(test_mode=False), 'for testing only'),
        (dict(indices=4), 'does not take indices'),
        (dict(scuba='stripe'), "a list of backgrounds, got the string 'stripe'"),
        (dict(scuba=['stripe', 'Stripe']), 'names a background twice'),
        (dict(scuba=['avg']), "'avg' is no background name"),
        (dict(scuba=['../stripe']), 'is no background name'),
        (dict(pipelines=dict(sucba=[])), r"unknown domains \['sucba'\]"),
        (dict(num_classes=1), 'fall_a.avi: label: expected .* from 0 to 0, got 1'),
    ],
)
def test_bad_settings(written, changes, match):
    refused(match, build, written[1], error=ValueError, **changes)


def test_missing_folders_and_files(copied):
    root, arguments = copied
    for gone, changes, said in (
        (None, dict(scuba=['vqgan']), 'TOY_SCUBA_vqgan; it holds TOY_ConflFG_Stripe'),
        (None, dict(bias_root=str(root / 'nowhere')), 'nowhere is not a folder'),
        ('bias/TOY_SCUBA_Stripe/rise_a__1.avi', {}, '1 of 5 files.*rise_a__1.avi'),
        ('bias/TOY_SCUBA_Places365/manifest.jsonl', {}, 'manifest.jsonl does not exist'),
        ('videos/rise_b.avi', {}, '1 of 3 videos do not exist.*rise_b.avi'),
        (None, dict(iid=dict(ann_file=str(root / 'nowhere.txt'))), 'nowhere.txt'),
    ):
        if gone:
            (root / gone).unlink()
        refused(said, build, arguments, error=FileNotFoundError, **changes)


THREE = ['places365', 'vqgan', 'stripe']


@pytest.fixture
def told(monkeypatch):
    """What the data set logs."""
    lines = []
    monkeypatch.setattr(bias_benchmark_dataset, 'print_log', lambda text, *_: lines.append(text))
    return lines


def test_sets_that_are_not_there_are_left_out_and_named(copied, told):
    root, arguments = copied
    asked = dict(scuba=THREE, scufo=THREE, missing='skip')
    dataset = build(arguments, **asked)
    assert len(dataset) == 28 and 'scuba/vqgan' not in dataset.metainfo['sets']
    assert dataset.metainfo['missing_sets'] == ['scuba/vqgan', 'scufo/vqgan']
    assert len(told) == 1 and '\n' not in told[0]
    assert 'lacks 2 of the 7 sets that are asked for: scuba/vqgan, scufo/vqgan: ' in told[0]
    others = 'scuba/places365, scuba/stripe, scufo/places365, scufo/stripe, conflfg/stripe'
    assert told[0].endswith(f'averages are over the others, {others}')
    # half of a pair
    shutil.rmtree(root / 'bias' / 'TOY_SCUFO_Stripe')
    dataset = build(arguments, **asked)
    assert dataset.metainfo['missing_sets'] == ['scuba/vqgan', 'scufo/vqgan', 'scufo/stripe']
    assert told[1].endswith('without partner, so without contrasted accuracy: scuba/stripe')
    # all that is asked for is there
    dataset = build(arguments, scuba=['stripe'], scufo=['places365'], missing='skip')
    assert dataset.metainfo['missing_sets'] == [] and len(told) == 2


def test_none_there_or_one_broken_is_an_error_all_the_same(copied, told):
    root, arguments = copied
    said = 'bias holds no folder TOY_SCUBA_vqgan; it holds TOY_ConflFG_Stripe, '
    none = dict(scuba=['vqgan'], scufo=[], conflfg=['vqgan'], missing='skip')
    refused(said, build, arguments, error=FileNotFoundError, **none)
    none['bias_root'] = str(root / 'nowhere')
    refused('nowhere is not a folder', build, arguments, error=FileNotFoundError, **none)
    assert told == []
    (root / 'bias' / 'TOY_SCUBA_Stripe' / 'manifest.jsonl').unlink()
    broken = dict(scuba=THREE, missing='skip')
    said = 'TOY_SCUBA_Stripe/manifest.jsonl does not exist'
    refused(said, build, arguments, error=FileNotFoundError, **broken)
    (root / 'bias' / 'TOY_SCUBA_stripe').mkdir()
    refused('differ by case only', build, arguments, **broken)
    refused("'fail' or 'skip', not 'drop'", build, arguments, error=ValueError, missing='drop')


@pytest.mark.parametrize(
    'change, match',
    [
        (dict(id='rise_a__1'), ':3: id rise_a__1 is a duplicate of line 2'),
        (dict(id='rise_b'), r':3: id must read <video>__<k>'),
        (dict(id=7), ':3: expected "id", some text, got 7'),
        (dict(label='0'), ':3: expected "label", a whole number from 0'),
        (dict(label=True), ':3: expected "label", a whole number from 0'),
        (dict(label=-1), ':3: expected "label", a whole number from 0'),
        (dict(conflict_label=0), ':3: conflict_label 0 must differ from label'),
        (dict(file='../rise_b__0.avi'), ':3: file must lie inside the folder'),
        (dict(file='/tmp/rise_b__0.avi'), ':3: file must lie inside the folder'),
        (dict(file=''), ':3: expected "file", some text'),
        (dict(file='rise_b__0.jpg'), ':3: .*still image or an archive'),
        (dict(file='rise_b__0.zip'), ':3: .*still image or an archive'),
    ],
)
def test_bad_manifest_rows(copied, change, match):
    root, arguments = copied
    edit_manifest(root, 'TOY_SCUBA_Places365', lambda rows: rows[2].update(change))
    match = f'TOY_SCUBA_Places365/manifest.jsonl{match}'
    refused(match, build, arguments, error=ValueError)


def test_unreadable_manifest_lines(copied):
    root, arguments = copied
    path = root / 'bias' / 'TOY_SCUFO_Stripe' / 'manifest.jsonl'
    text = path.read_text()
    for line, match in (
        ('{"id": ', ':6: is no JSON'),
        ('[1]', ':6: expected a JSON object, got list'),
        ('{"id": "a__0", "label": 0}', ':6: expected "file", some text, which is missing'),
    ):
        path.write_text(text + line + '\n')
        refused(match, build, arguments, error=ValueError)


@pytest.mark.parametrize(
    'folder, edit, match',
    [
        ('SCUBA_Stripe', lambda rows: rows.clear(), 'lists no items'),
        ('SCUFO_Stripe', lambda rows: rows[:-1], '1 missing from scufo/stripe: fall_a__1'),
        ('SCUFO_Stripe', lambda rows: rows[0].update(label=1), '1 of 5 ids different labels: rise'),
        (
            'ConflFG_Stripe',
            lambda rows: rows[0].update(conflict_label=None),
            '1 of 5 items lack a conflict_label: rise_a__0',
        ),
    ],
)
def test_sets_must_be_complete_and_match(copied, folder, edit, match):
    root, arguments = copied
    edit_manifest(root, f'TOY_{folder}', edit)
    refused(match, build, arguments, error=ValueError)


def test_iid_list_is_checked(copied):
    root, arguments = copied
    (root / 'test.txt').write_text('rise_a.avi 0\nrise_a.avi 0\n')
    refused('more than once: rise_a.avi', build, arguments, error=ValueError)
    (root / 'test.txt').write_text('rise_a.avi\n')
    refused('rise_a.avi: label: .* from 0, got -1', build, arguments, error=ValueError)


@pytest.mark.parametrize('content', [b'', b'no video at all' * 50, None])
def test_an_undecodable_item_is_named(copied, content):
    root, arguments = copied
    file = root / 'bias' / 'TOY_SCUBA_Stripe' / 'rise_b__0.avi'
    # the rest is a truncated copy: OpenCV would read it, repeating its last frame
    file.write_bytes(file.read_bytes()[:-100] if content is None else content)
    dataset = build(arguments)
    index = [dataset.get_data_info(i)['pair_id'] for i in range(8, 13)].index('rise_b__0') + 8
    message = r'scuba/stripe rise_b__0: video .*rise_b__0.avi cannot be read'
    refused(message, dataset.__getitem__, index, error=BadVideoError)


def test_a_video_in_a_sub_folder_of_the_set(copied):
    root, arguments = copied
    folder = root / 'bias' / 'TOY_SCUBA_Stripe'
    write_frames(folder / 'part' / 'x.avi', np.zeros((8, 32, 32, 3), np.uint8))
    edit_manifest(root, folder.name, lambda rows: rows[0].update(file='part/x.avi'))
    assert build(arguments)[8]['inputs'].float().mean() < 20
