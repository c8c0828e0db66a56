"""The on-the-fly data set gives what the lossless export gives."""

import shutil

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.runner import Runner

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets.masks.folders import JhmdbMasks
from albar_mm.bias_sets.sources import read_source_list
from albar_mm.compositing.kept import forget_materials
from albar_mm.datasets import BiasBenchmarkDataset, OnTheFlyBenchmarkDataset
from albar_mm.utils.files import write_json_lines
from albar_mm.video.source_video import frame_cache

from ..bias_sets.toy_benchmark import (
    RectangleMasks,
    build,
    build_benchmark,
    quiet,
    settings_of,
    write_photos,
    write_sources,
)
from ..refused import refused


def pipeline(*further, **sample):
    sampled = dict(clip_len=4, frame_interval=2, test_mode=True, short='loop') | sample
    steps = [
        dict(type='DecordInit'),
        dict(sampled, type='BiasSampleFrames'),
        dict(type='DecordDecode'),
    ]
    steps += [*further, dict(type='FormatShape', input_format='NCTHW')]
    return [*steps, dict(type='PackActionInputs')]


#: frames without a mask: the first, one in the middle and the last of a video
BLANK = {'wave_a': (0, 1, 3), 'jump_a': (2, 3, 6), 'jump_b (1)#&!': (2,)}


@pytest.fixture(scope='module')
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sources')
    write_photos(folder / 'photos')
    return write_sources(folder).parent


@pytest.fixture(scope='module')
def roots(tmp_path_factory, sources):
    """Lossless benchmarks by policy and blank masks."""
    made = {}
    policies = dict(plain='cut', cut='cut', background='background', slower='keep')
    for name, policy in policies.items():
        made[name] = tmp_path_factory.mktemp(name) / 'bias'
        settings = settings_of(
            sources / 'photos',
            encoding='lossless',
            empty_frames=policy,
            fps=10.0 if name == 'slower' else None,
        )
        masks = RectangleMasks(blank={} if name == 'plain' else BLANK)
        build(made[name], sources / 'test_split1.txt', settings, masks)
    return made


@pytest.fixture(autouse=True)
def empty_caches():
    frame_cache(256).clear()
    forget_materials()


def arguments(root, **changes):
    sets = dict(scuba=['stripe', 'photos'], scufo=['stripe', 'photos'], conflfg=['stripe'])
    given = dict(pipeline=pipeline(), bias_root=root, dataset='TOY', num_classes=2, **sets)
    return given | changes


def on_the_fly(sources, root, **changes):
    own = dict(videos=sources / 'videos', backgrounds=dict(Photos=sources / 'photos'))
    return OnTheFlyBenchmarkDataset(**arguments(root, **{**own, **changes}))


def contents(dataset):
    found = {}
    for index in range(len(dataset)):
        packed = dataset[index]
        sample = packed['data_samples']
        key = sample.domain, sample.background, sample.pair_id
        rest = sample.gt_label.item(), sample.get('conflict_label'), sample.img_shape
        found[key] = packed['inputs'], *rest
    return found


def same(one, other):
    assert one.keys() == other.keys() and one
    for key, (clip, *rest) in one.items():
        assert torch.equal(clip, other[key][0]), key
        assert rest == list(other[key][1:]), key


@pytest.mark.parametrize('name', ['plain', 'cut', 'background', 'slower'])
@pytest.mark.parametrize('short', ['loop', 'clamp', 'halve'])
def test_clips_of_the_lossless_export(sources, roots, name, short):
    steps = pipeline(short=short)
    exported = BiasBenchmarkDataset(**arguments(roots[name], pipeline=steps))
    made = on_the_fly(sources, roots[name], pipeline=steps)
    assert made.metainfo['sets'] == exported.metainfo['sets']
    assert made.source_files.keys() == exported.source_files.keys()
    same(contents(exported), contents(made))


def test_the_cases_above_are_what_they_say(roots):
    rows = {name: read_rows(root / 'TOY_SCUBA_Stripe') for name, root in roots.items()}
    assert {row['first'] for row in rows['plain']} == {0}
    cut = {(row['video_id'], row['first'], row['last']) for row in rows['cut']}
    assert cut >= {('wave_a', 2, 5), ('jump_a', 0, 5)}
    assert any(row['filled_frames'] for row in rows['background'])
    assert {row['frames'] for row in rows['slower']} == {2, 3}
    assert any(row['filled_frames'] for row in rows['slower'])
    assert {(row['height'], row['width']) for row in rows['cut']} == {(48, 64), (51, 71)}
    assert {row['k'] for row in rows['cut']} == {0, 1}


def test_several_clips_and_a_fixed_view(sources, roots):
    crops = dict(type='Resize', scale=(-1, 32)), dict(type='ThreeCrop', crop_size=32)
    steps = pipeline(*crops, num_clips=3, clip_len=2)
    exported = BiasBenchmarkDataset(**arguments(roots['cut'], pipelines=dict(scuba=steps)))
    made = on_the_fly(sources, roots['cut'], pipelines=dict(scuba=steps))
    same(contents(exported), contents(made))
    assert made[0]['inputs'].shape == (9, 3, 2, 32, 32)


def test_no_exported_file_is_needed(sources, roots, tmp_path):
    settings = settings_of(sources / 'photos', encoding='none')
    build(tmp_path / 'bias', sources / 'test_split1.txt', settings)
    assert not list(tmp_path.rglob('*.avi'))
    made = contents(on_the_fly(sources, tmp_path / 'bias'))
    same(made, contents(on_the_fly(sources, roots['plain'])))
    said = 'of --encoding none has no videos; read it with OnTheFlyBenchmarkDataset'
    refused(said, BiasBenchmarkDataset, **arguments(tmp_path / 'bias'))


def test_images_of_a_set_that_is_not_there_are_not_needed(sources, roots):
    families = ['stripe', 'photos', 'vqgan']
    folders = dict(photos=sources / 'photos', vqgan=sources / 'gone')
    given = dict(scuba=families, scufo=families, backgrounds=folders, missing='skip')
    dataset = on_the_fly(sources, roots['plain'], **given)
    assert dataset.metainfo['missing_sets'] == ['scuba/vqgan', 'scufo/vqgan']
    whole = on_the_fly(sources, roots['plain'])
    assert dataset.metainfo['sets'] == whole.metainfo['sets'] and len(dataset) == len(whole)


def test_steps_named_in_the_config(sources, roots):
    photos, (_, sample, _, *rest) = dict(photos=sources / 'photos'), pipeline()
    swap = dict(type='SwapBackground', bias_root=roots['cut'], backgrounds=photos)
    steps = [dict(type='SourceInit'), sample, dict(type='SourceDecode', cache_mib=0), swap, *rest]
    named = contents(on_the_fly(sources, roots['cut'], pipelines=dict(scuba=steps)))
    same(contents(on_the_fly(sources, roots['cut'])), named)


def test_a_source_is_decoded_once_for_all_its_items(sources, roots):
    dataset = on_the_fly(sources, roots['cut'], cache_mib=200)
    videos = [dataset.get_data_info(i)['row']['video_id'] for i in range(len(dataset))]
    assert len(set(videos)) == 3 and videos == sorted(videos)
    contents(dataset)
    assert frame_cache(200).decoded == 3
    limited, before = on_the_fly(sources, roots['cut'], cache_mib=0), frame_cache(0).decoded
    contents(limited)
    assert frame_cache(0).decoded - before == len(limited)


def test_two_workers(sources, roots):
    config = dict(
        batch_size=4,
        num_workers=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
        batch_sampler=dict(type='DomainBatchSampler'),
        collate_fn=dict(type='pseudo_collate'),
        dataset=dict(
            type='OnTheFlyBenchmarkDataset',
            videos=str(sources / 'videos'),
            backgrounds=dict(photos=str(sources / 'photos')),
            **{**arguments(roots['cut']), 'bias_root': str(roots['cut'])},
        ),
    )
    loader = Runner.build_dataloader(config, seed=0)
    wanted = contents(loader.dataset)
    seen = 0
    for batch in loader:
        assert len({clip.shape for clip in batch['inputs']}) == 1
        assert len({sample.domain for sample in batch['data_samples']}) == 1
        for clip, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
            key = sample.domain, sample.background, sample.pair_id
            assert torch.equal(clip, wanted[key][0])
            seen += 1
    assert seen == len(wanted) == 30


def test_batches_keep_view_shapes_apart(sources, roots):
    dataset = on_the_fly(sources, roots['plain'])
    groups = {dataset.batch_group(i) for i in range(len(dataset))}
    assert groups == {(d, *s) for d in ('scuba', 'scufo', 'conflfg') for s in ((48, 64), (51, 71))}
    steps = pipeline(dict(type='CenterCrop', crop_size=32))
    cropped = on_the_fly(sources, roots['plain'], pipeline=steps)
    assert {cropped.batch_group(i) for i in range(30)} == {'scuba', 'scufo', 'conflfg'}
    exported = BiasBenchmarkDataset(**arguments(roots['plain']))
    assert {exported.batch_group(i) for i in range(30)} == groups


@pytest.fixture
def copied(sources, roots, tmp_path):
    shutil.copytree(roots['cut'], tmp_path / 'bias')
    return tmp_path / 'bias'


def test_what_is_missing_is_said_at_once(sources, roots, copied, tmp_path):
    (tmp_path / 'empty').mkdir()
    for changes, said in (
        (dict(videos=tmp_path), '3 source videos .*do not exist: .*jump_a'),
        (dict(backgrounds={}), "no folder for the backgrounds 'photos'; add backg"),
        (dict(backgrounds=dict(photos=tmp_path / 'nowhere')), 'nowhere: no such folder of backgr'),
        (dict(backgrounds=dict(photos=tmp_path / 'empty')), 'background images .*do not exist'),
    ):
        refused(said, on_the_fly, sources, copied, **changes)
    shutil.rmtree(copied / 'stills')
    refused('stills .*do not exist', on_the_fly, sources, copied)
    (copied / 'masks' / 'wave_a.npz').unlink()
    refused('1 mask files .*do not exist: .*wave_a.npz', on_the_fly, sources, copied)
    unchecked = on_the_fly(sources, copied, check_files=False, scufo=[], conflfg=[])
    lost = [i for i in range(12) if unchecked.get_data_info(i)['row']['video_id'] == 'wave_a'][0]
    said = 'scuba/stripe wave_a__0: .*wave_a.npz: no such file; build again'
    refused(said, unchecked.__getitem__, lost)
    shortened, said = pipeline()[:2], 'the pipeline of scuba must hold one decoding step'
    refused(said, on_the_fly, sources, roots['cut'], pipeline=shortened, error=ValueError)


@pytest.mark.parametrize(
    'change, match',
    [
        (dict(generator='albar_mm/0'), 'made by albar_mm/0'),
        (dict(background='photos'), 'is an item of scuba/photos, expected scuba/stripe'),
        (dict(fps=None), 'has no fps; build the set again'),
    ],
)
def test_rows_that_cannot_be_used(sources, copied, change, match):
    folder = copied / 'TOY_SCUBA_Stripe'
    first, *rest = read_rows(folder)
    row = {key: value for key, value in {**first, **change}.items() if value is not None}
    write_json_lines(folder / 'manifest.jsonl', [row, *rest])
    refused(match, on_the_fly, sources, copied)


def test_published_sets_are_no_such_sets(sources, copied):
    folder, keys = copied / 'TOY_SCUBA_Stripe', ('id', 'file', 'label', 'video')
    rows = [{key: row[key] for key in keys} for row in read_rows(folder)]
    write_json_lines(folder / 'manifest.jsonl', rows)
    refused('only sets made by tools/build_bias_benchmark.py', on_the_fly, sources, copied)


def test_further_iid_sets(sources, roots, tmp_path):
    (tmp_path / 'aras.txt').write_text('jump/jump_a.avi 0\nwave/wave_a.avi 1\n')
    prefix = dict(video=str(sources / 'videos'))
    settings = dict(ann_file=str(tmp_path / 'aras.txt'), data_prefix=prefix)
    iid = dict(iid=settings, extra_iid=dict(aras=settings))
    given = arguments(roots['cut'], scuba=['stripe'], scufo=[], videos=sources / 'videos', **iid)
    dataset = DATASETS.build(dict(type='OnTheFlyBenchmarkDataset', **given))
    assert list(dataset.metainfo['sets'])[:2] == ['iid/original', 'iid/aras']
    fields = [dataset[i]['data_samples'] for i in range(4)]
    found = [(f.domain, f.background) for f in fields]
    assert found == [('iid', 'original')] * 2 + [('iid', 'aras')] * 2
    assert 'aras/aras.txt' in dataset.source_files
    for bad, match in [
        (dict(extra_iid=dict(scuba=settings), iid=settings), "'scuba' is no name"),
        (dict(extra_iid=dict(aras=settings)), 'extra_iid names sets beside iid'),
    ]:
        refused(match, BiasBenchmarkDataset, error=ValueError, **arguments(roots['cut'], **bad))


@pytest.mark.real_data
def test_two_real_clips(real_data, tmp_path):
    """Real clips with JHMDB's masks: pixels and indices of the lossless export."""
    source = real_data / 'hmdb51_jhmdb21'
    names = [
        min((source / 'videos' / c).glob('*.avi'), key=lambda p: (p.stat().st_size, p))
        for c in ('jump', 'wave')
    ]  # the shortest: PNG is slow
    lines = [f'{c.parent.name}/{c.name} {label}\n' for label, c in enumerate(names)]
    (tmp_path / 'test.txt').write_text(''.join(lines))
    photos = real_data / 'backgrounds' / 'colour'
    sources = read_source_list(tmp_path / 'test.txt', source / 'videos')
    masks = JhmdbMasks(source / 'masks')
    settings = settings_of(photos, encoding='lossless', per_video=1, masks=masks)
    build_benchmark(tmp_path / 'bias', settings, sources, say=quiet)
    steps = pipeline(clip_len=32)
    options = arguments(tmp_path / 'bias', pipeline=steps)
    exported = contents(BiasBenchmarkDataset(**options))
    own = dict(videos=source / 'videos', backgrounds=dict(photos=photos))
    same(exported, contents(OnTheFlyBenchmarkDataset(**options, **own)))
    assert np.ptp([clip.float().mean() for clip, *_ in exported.values()]) > 1
