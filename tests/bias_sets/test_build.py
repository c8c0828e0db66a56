"""A whole benchmark: its pixels, its bytes, and what happens when something is wrong."""

import ast
import inspect
import json
import pickle
import shutil

import numpy as np
import pytest

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets import export as export_module
from albar_mm.bias_sets.build import build_benchmark, plan_benchmark, summary
from albar_mm.bias_sets.sources import read_source_list
from albar_mm.bias_sets.verify import verify_benchmark
from albar_mm.compositing.backgrounds import Backgrounds
from albar_mm.compositing.kept import kept_masks_path, load_kept_masks, load_still, still_path
from albar_mm.compositing.render import composite
from albar_mm.datasets.bias_benchmark_dataset import BiasBenchmarkDataset
from albar_mm.video.source_video import read_frames

from ..refused import refused
from .toy_benchmark import (
    SETS,
    VIDEOS,
    RectangleMasks,
    build,
    settings_of,
    toy_frames,
    tree,
    write_photos,
    write_sources,
)


@pytest.fixture(scope='module')
def source_list(tmp_path_factory):
    return write_sources(tmp_path_factory.mktemp('sources'))


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp('photos'))


@pytest.fixture(scope='module')
def lossless(tmp_path_factory, source_list, photos):
    root = tmp_path_factory.mktemp('lossless') / 'bias'
    build(root, source_list, settings_of(photos, encoding='lossless'))
    return root


def test_four_stages_in_a_row_and_nothing_else():
    (function,) = ast.parse(inspect.getsource(build_benchmark)).body
    nodes = [node for line in function.body for node in ast.walk(line)]
    calls = [node.func.id for node in nodes if isinstance(node, ast.Call)]
    assert calls == ['usable_sources', 'survey', 'plan_rows', 'export']


@pytest.fixture(scope='module')
def jpeg(tmp_path_factory, source_list, photos):
    """Content of all files of a build by one process."""
    root = tmp_path_factory.mktemp('jpeg')
    build(root, source_list, settings_of(photos))
    return tree(root)


def items(root, folder):
    return [(row, read_frames(root / folder / row['file'])) for row in read_rows(root / folder)]


@pytest.mark.parametrize('folder', SETS[:2])
def test_scuba_pixels(lossless, folder):
    for row, pixels in items(lossless, folder):
        source = toy_frames(row['video'])
        masks = load_kept_masks(kept_masks_path(lossless, row['video_id']), row['mask_sha256'])
        assert len(pixels) == row['frames'] == len(source)
        assert np.array_equal(pixels[masks], source[masks])
        # pixel by pixel, the background is one value in all frames that show it
        shown = np.where(masks[..., None], 0, pixels).max(0)
        assert np.array_equal(pixels[~masks], np.broadcast_to(shown, pixels.shape)[~masks])
        assert masks.any() and not masks.all(0).all()


@pytest.mark.parametrize('background', ['Stripe', 'Photos'])
def test_scufo_is_one_of_its_scuba_frames(lossless, background):
    scuba = {row['id']: (row, p) for row, p in items(lossless, f'TOY_SCUBA_{background}')}
    scufo = {row['id']: (row, p) for row, p in items(lossless, f'TOY_SCUFO_{background}')}
    assert scuba.keys() == scufo.keys()
    for item, (row, still) in scufo.items():
        moving = scuba[item][1]
        assert still.shape == moving.shape
        assert np.array_equal(still, np.broadcast_to(moving[row['scufo_frame']], still.shape))
        assert not np.array_equal(moving[0], moving[-1])
    assert len({row['scufo_frame'] for row, _ in scufo.values()}) > 1


def test_conflict_lies_below_the_moving_foreground(lossless):
    scuba = {row['id']: p for row, p in items(lossless, 'TOY_SCUBA_Stripe')}
    for row, pixels in items(lossless, 'TOY_ConflFG_Stripe'):
        assert row['conflict_label'] != row['label']
        assert VIDEOS[row['conflict_video']][3] == row['conflict_label']
        masks = load_kept_masks(kept_masks_path(lossless, row['video_id']))
        assert np.array_equal(pixels[masks], scuba[row['id']][masks])
        changed = (pixels != scuba[row['id']]).any(-1)
        assert changed.any() and not changed[masks].any()
        still = np.where(masks[..., None], 0, pixels).max(0)
        assert np.array_equal(composite(pixels, masks, still), pixels)
        # the pasted rectangle, 20 x 15 and unscaled where the sizes agree, inside the picture
        rows_, columns = changed.any(0).any(1).nonzero()[0], changed.any(0).any(0).nonzero()[0]
        assert rows_[-1] - rows_[0] < 22 and columns[-1] - columns[0] < 17
        if row['conflict_shift']:
            host = masks.any(0).any(0).nonzero()[0].mean()
            assert abs(columns.mean() - host) > 8


def test_the_test_data_set_reads_it(lossless):
    both = ['stripe', 'photos']
    sets = dict(scuba=both, scufo=both, conflfg=['stripe'], num_classes=2)
    dataset = BiasBenchmarkDataset([], bias_root=lossless, dataset='TOY', **sets)
    assert len(dataset) == 30
    assert dataset.metainfo['sets']['conflfg/stripe'] == 6


def test_manifests_do_not_depend_on_the_encoding(tmp_path, source_list, photos, lossless):
    for encoding in ('none', 'jpeg'):
        root = tmp_path / encoding
        build(root, source_list, settings_of(photos, encoding=encoding))
        for folder in SETS:
            manifest = (root / folder / 'manifest.jsonl').read_bytes()
            assert manifest == (lossless / folder / 'manifest.jsonl').read_bytes()
    assert not list((tmp_path / 'none').rglob('*.avi'))
    assert len(list((tmp_path / 'jpeg').rglob('*.avi'))) == 30


def test_identical_bytes_with_any_workers_and_order(tmp_path, source_list, photos, jpeg):
    settings = settings_of(photos)
    build(tmp_path / 'b', source_list, settings, workers=2)
    assert jpeg == tree(tmp_path / 'b')

    sources = write_sources(tmp_path / 'other', tuple(reversed(VIDEOS)))
    build(tmp_path / 'c', sources, settings)
    third = tree(tmp_path / 'c')
    assert {k for k in jpeg if jpeg[k] != third[k]} == {'benchmark.json'}  # the list's SHA-256


@pytest.mark.parametrize('crash', ['survey', 'second item', 'manifests'])
def test_killed_and_resumed(tmp_path, monkeypatch, source_list, photos, jpeg, crash):
    settings = settings_of(photos)
    place, name, number = {
        'survey': (RectangleMasks, '_make', 1),
        'second item': (export_module, 'write_bytes', 12),  # in the second video
        'manifests': (export_module, 'write_set', 3),
    }[crash]
    function, calls = getattr(place, name), []

    def die(*args):
        calls.append(args)
        if len(calls) == number:
            raise KeyboardInterrupt
        return function(*args)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / 'broken', source_list, settings)
    assert not json.loads((tmp_path / 'broken' / 'benchmark.json').read_text())['complete']
    done = build(tmp_path / 'broken', source_list, settings)
    assert done.written == {'survey': 30, 'second item': 20, 'manifests': 0}[crash]
    assert tree(tmp_path / 'broken') == jpeg


def test_half_written_and_lost_files_are_made_again(tmp_path, source_list, photos):
    settings, root = settings_of(photos), tmp_path / 'bias'
    build(root, source_list, settings)
    before = tree(root)
    file = root / 'TOY_SCUBA_Stripe' / 'jump_a__0.avi'
    untouched = root / 'TOY_SCUBA_Stripe' / 'jump_a__1.avi'
    when = untouched.stat().st_mtime_ns
    file.write_bytes(file.read_bytes()[:-10])
    (root / 'TOY_ConflFG_Stripe' / 'wave_a__1.avi').unlink()
    (root / 'stills' / 'wave_a').rename(root / 'gone')
    shutil.rmtree(root / 'gone')
    assert build(root, source_list, settings).written == 2
    assert tree(root) == before and untouched.stat().st_mtime_ns == when


def test_other_settings_in_the_same_folder(tmp_path, source_list):
    build(tmp_path, source_list, settings_of(sets=('scufo',)))
    before = tree(tmp_path)
    for changes, message in (
        (dict(seed=4), 'seed is 3, asked for 4'),
        (dict(per_video=3), 'per_video is 2, asked for 3'),
        (dict(encoding='lossless'), 'encoding is jpeg, asked for lossless'),
        (dict(empty_frames='nearest'), 'empty_frames is'),
    ):
        settings = settings_of(**{'sets': ('scufo',), **changes})
        refused(f'with other settings .*{message}', build, tmp_path, source_list, settings)
    assert tree(tmp_path) == before


def test_how_to_go_on_with_a_build_of_the_old_defaults(tmp_path, source_list):
    """What it took is no default any more; an old description does not know the new settings."""
    build(tmp_path, source_list, settings_of(sets=('scufo',)))
    described = json.loads((tmp_path / 'benchmark.json').read_text())
    del described['settings']['fps'], described['settings']['published_names']
    (tmp_path / 'benchmark.json').write_text(json.dumps(described))
    before = tree(tmp_path)
    settings = settings_of(sets=('scufo',), empty_frames='keep', fps=15.0)
    said = 'empty_frames is cut, asked for keep; fps is None, asked for 15.0.*; go on with it by '
    said += '--empty-frames cut --fps native, name another folder with --out'
    refused(said, build, tmp_path, source_list, settings)
    assert tree(tmp_path) == before
    done = build(tmp_path, source_list, settings_of(sets=('scufo',)))
    assert done.written == 0


def test_frames_kept_at_a_lower_rate(tmp_path, source_list):
    """25 frames a second, 7, 5 and 6 of them; at 10, frames 0, 3 and 5 are kept."""
    settings = settings_of(encoding='lossless', fps=10.0)
    build(tmp_path, source_list, settings)
    for folder in ('TOY_SCUBA_Stripe', 'TOY_SCUFO_Stripe'):
        for row, pixels in items(tmp_path, folder):
            kept = [0, 3, 5] if VIDEOS[row['video']][0] > 5 else [0, 3]
            assert (row['fps'], row['kept_fps'], row['source_fps']) == (10.0, 10.0, 25.0)
            assert row['frames'] == len(pixels) == len(kept)
            masks = load_kept_masks(kept_masks_path(tmp_path, row['video_id']), row['mask_sha256'])
            source = toy_frames(row['video'])[kept]
            if row['set'] == 'scufo':
                chosen = row['scufo_frame']
                source, masks = source[[chosen] * len(kept)], masks[[chosen] * len(kept)]
            assert masks.any((1, 2)).all() and np.array_equal(pixels[masks], source[masks])
    for row, _ in items(tmp_path, 'TOY_ConflFG_Stripe'):
        still = load_still(still_path(tmp_path, row['conflict_video_id'], row['conflict_frame']))
        number = [0, 3, 5][row['conflict_frame']]
        assert np.array_equal(still.frame, toy_frames(row['conflict_video'])[number])
    videos = source_list.parent / 'videos'
    families = Backgrounds(settings.families)
    assert verify_benchmark(tmp_path, videos, families, sample=None) == ([], 18, 18)
    description = json.loads((tmp_path / 'benchmark.json').read_text())
    assert description['settings']['fps'] == 10.0
    faster = build(tmp_path / 'faster', source_list, settings_of(sets=('scuba',), fps=30.0))
    assert faster.described['frames'] == 2 * (7 + 5 + 6)
    assert {row['fps'] for row in read_rows(tmp_path / 'faster' / 'TOY_SCUBA_Stripe')} == {25.0}
    manifest = tmp_path / 'TOY_SCUBA_Stripe' / 'manifest.jsonl'
    manifest.write_text(manifest.read_text().replace('"kept_fps": 10.0', '"kept_fps": "ten"', 1))
    refused('manifest.jsonl, row 1: kept_fps: expected .*ten', read_rows, manifest.parent)


def test_missing_masks_stop_or_are_left_out_and_listed(tmp_path, source_list):
    masks = RectangleMasks(missing=('jump_a',))
    said = '1 of 3 .* no mask: jump_a; .*--missing-masks drop'
    refused(said, build, tmp_path / 'a', source_list, settings_of(masks=masks))
    done = build(tmp_path / 'b', source_list, settings_of(masks=masks, missing_masks='drop'))
    listed = json.loads((tmp_path / 'b' / 'benchmark.json').read_text())
    assert listed == done.described
    assert listed['source_videos'] == 2 and set(listed['items'].values()) == {4}
    reason = 'jump_a.mat: no such mask file'
    assert listed['left_out'] == [dict(video='jump/jump_a.avi', reason=reason)]
    assert any('jump_a.avi' in line for line in summary(done))
    everything = RectangleMasks(missing=('jump_a', 'jump_b (1)#&!', 'wave_a'))
    settings = settings_of(masks=everything, missing_masks='drop')
    said = 'no source video is left; left out: jump_a.mat'
    refused(said, build, tmp_path / 'c', source_list, settings)


def test_frames_without_a_mask_follow_the_policy_and_are_counted(tmp_path, source_list):
    masks = RectangleMasks(blank={'jump_a': (0, 3, 6)})
    settings = settings_of(sets=('scuba',), encoding='lossless', masks=masks)
    done = build(tmp_path, source_list, settings)
    rows = read_rows(tmp_path / 'TOY_SCUBA_Stripe')
    row = next(row for row in rows if row['id'] == 'jump_a__0')
    assert (row['first'], row['last'], row['frames'], row['filled_frames']) == (1, 5, 5, 1)
    pixels = read_frames(tmp_path / 'TOY_SCUBA_Stripe' / row['file'])
    kept = load_kept_masks(kept_masks_path(tmp_path, 'jump_a'))
    assert len(pixels) == len(kept) == 5 and kept.any((1, 2)).all()
    assert np.array_equal(pixels[kept], toy_frames(row['video'])[1:6][kept])
    assert done.described['frames_without_own_mask'] == {'jump_a': [3]}
    assert any('jump_a' in line for line in summary(done))


@pytest.mark.parametrize(
    ('masks', 'message'),
    [
        (dict(blank={'wave_a': range(6)}), r'video wave_a: none of its 6 frames has a mask'),
        (dict(wrong_size=('wave_a',)), r'rectangles holds 6 masks of 71x50 px, but .* 71x51 px'),
    ],
)
@pytest.mark.parametrize('workers', [1, 2])
def test_wrong_masks(tmp_path, source_list, masks, message, workers):
    given = tmp_path, source_list, settings_of(), RectangleMasks(**masks)
    refused(message, build, *given, workers=workers)
    assert not list(tmp_path.rglob('*.part')) and not list(tmp_path.rglob('manifest.jsonl'))


def test_undecodable_source(tmp_path):
    path = write_sources(tmp_path / 'sources')
    video = tmp_path / 'sources' / 'videos' / 'wave' / 'wave_a.avi'
    video.write_bytes(video.read_bytes()[:2000])
    given = tmp_path / 'bias', path, settings_of()
    refused('wave_a.avi cannot be read: .*truncated', build, *given)
    video.unlink()
    refused('wave_a.avi; name their folder with --videos', build, *given)


def test_a_plan_needs_no_videos(tmp_path, source_list, photos, lossless):
    path = write_sources(tmp_path)
    shutil.rmtree(tmp_path / 'videos')
    sources = read_source_list(path, tmp_path / 'videos')
    masks = RectangleMasks(missing=('jump_a',))
    settings = settings_of(photos, masks=masks, missing_masks='drop')
    kept, fewer = plan_benchmark(tmp_path / 'few', settings, sources)
    assert [v.video_id for v in kept.videos] == ['jump_b (1)#&!', 'wave_a']
    assert fewer == dict.fromkeys(SETS, 4)
    _, counts = plan_benchmark(tmp_path / 'plan', settings_of(photos, masks=None), sources)
    assert counts == dict.fromkeys(SETS, 6)
    planned = [json.loads(line) for line in (tmp_path / 'plan' / 'plan.jsonl').open()]
    made = [row for folder in SETS for row in read_rows(lossless / folder)]
    made = {(row['set'], row['background'], row['id']): row for row in made}
    assert len(planned) == 30
    for row in planned:
        row.pop('conflict_still', None)
        assert row.items() <= made[row['set'], row['background'], row['id']].items()
    assert not list((tmp_path / 'plan').rglob('*.avi'))


def test_backgrounds_travel_to_workers_without_their_listing(photos):
    families = Backgrounds(settings_of(photos).families)
    copy = pickle.loads(pickle.dumps(families))
    row = dict(background='photos', **families.families[1].draw(0, 'v', 0))
    assert np.array_equal(copy.of_row(row, 48, 64), families.of_row(row, 48, 64))
    assert len(pickle.dumps(families)) < 1000
