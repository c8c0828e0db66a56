"""A feature store: what is in it, what it refuses, and that nothing half-written shows."""

import hashlib
import json
import multiprocessing
import os

import numpy as np
import pytest
import torch

from albar_mm.utils import files
from albar_mm.utils.errors import DatasetError
from albar_mm.utils.identity import weights_sha256
from downstream.features.store import FeatureStore
from downstream.features.time_grid import TimeGrid
from tests.refused import refused

SETTINGS = dict(encoder=dict(weights_sha256='ab', level='pooled'), sampling=dict(stride=4))
SETTINGS |= dict(decoder='pyav', decoder_version='1', dtype='float32')


def grid(snippets=3):
    return TimeGrid(snippets, 4, 8.0, 4 * snippets, 25.0)


def visible(store):
    return sorted(path.name for path in store.root.iterdir() if not path.name.startswith('.'))


@pytest.fixture
def store(tmp_path):
    return FeatureStore.create(tmp_path / 'store', SETTINGS)


@pytest.mark.parametrize('dtype, shape', [('float32', (3, 10, 5)), ('float16', (3, 5))])
def test_what_is_written_is_read(tmp_path, dtype, shape):
    store = FeatureStore.create(tmp_path, dict(SETTINGS, dtype=dtype))
    features = np.random.default_rng(0).normal(size=shape).astype('float32')
    store.put('a b', features, grid(), dict(file='a b.mp4'))
    again = FeatureStore(tmp_path)
    assert again.ids() == ['a b'] and 'a b' in again and 'b' not in again and len(again) == 1
    for mmap in (False, True):
        found = again.load('a b', mmap)
        assert found.dtype == dtype and np.array_equal(found, features.astype(dtype))
    assert again.grid('a b') == grid() and again.info('a b')['source'] == dict(file='a b.mp4')
    plain = np.load(tmp_path / 'a b.npy', allow_pickle=False)  # any program can read it
    assert np.array_equal(plain, features.astype(dtype))


@pytest.mark.parametrize('rows', [2, 4])
def test_every_snippet_of_the_grid_has_its_row(store, rows):
    with pytest.raises(DatasetError, match=f'video a: {rows} snippets, but its time grid has 3'):
        store.put('a', np.zeros((rows, 2)), grid())
    assert visible(store) == ['store.json']


def test_what_is_broken_off_leaves_nothing_and_the_rest_is_visible_at_the_end(store):
    with pytest.raises(KeyError), store.writer('a') as writer:
        writer.append(np.zeros((2, 3), np.float32))
        raise KeyError
    with store.writer('a') as writer, pytest.raises(DatasetError, match='0 snippets, but .* has 3'):
        writer.finish(grid())
    with store.writer('a') as writer, pytest.raises(ValueError, match='snippets of shape'):
        writer.append(np.zeros((1, 3)))
        writer.append(np.zeros((1, 4)))
    assert visible(store) == ['store.json'] and not list(store.root.glob('.*.part*'))
    rows = np.arange(1200, dtype=np.float32).reshape(400, 3)
    with store.writer('long') as writer:
        for row in rows:
            writer.append(row[None])
            assert visible(store) == ['store.json']
        writer.finish(grid(400))
    assert visible(store) == ['long.json', 'long.npy', 'store.json']
    assert np.array_equal(store.load('long'), rows)


def die_in_a_video(root):
    writer = FeatureStore.create(root, SETTINGS).writer('a')
    writer.append(np.zeros((2, 3)))
    os._exit(1)


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(store, monkeypatch):
    process = multiprocessing.get_context('fork').Process(target=die_in_a_video, args=(store.root,))
    process.start()
    process.join()
    (left,) = store.root.glob('.*.part*')
    of_earlier_version = store.root / '.a.b.some-host-12-0a1b2c3d.part'
    of_earlier_version.touch()
    (store.root / f'.{"0" * 32}.part.json').touch()
    assert store.ids() == []
    with store.writer('b') as writer:
        writer.append(np.zeros((3, 3)))
        monkeypatch.setattr(files, '_cleared', set())  # as in a new process
        again = FeatureStore.create(store.root, SETTINGS)
        again.put('c', np.zeros((3, 3)), grid())
        assert not left.exists() and not of_earlier_version.exists()
        writer.finish(grid())
    assert visible(store) == ['b.json', 'b.npy', 'c.json', 'c.npy', 'store.json']


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(encoder=dict(weights_sha256='cd', level='pooled')), 'encoder.weights_sha256 is ab, '),
        (dict(sampling=dict(stride=8)), r'sampling.stride is 4, asked for 8'),
        (dict(extra=1), r'extra is None, asked for 1'),
    ],
)
def test_other_settings_are_refused_by_name(store, change, message):
    settings = {**SETTINGS, **change}
    with pytest.raises(DatasetError, match=f'was made with other settings .{message}.*; name an'):
        FeatureStore.create(store.root, settings)
    same = dict(SETTINGS, decoder_version='2', made_with='another version')
    assert FeatureStore.create(store.root, same).settings['decoder_version'] == '1'
    del settings['sampling']
    refused('sampling is .*, asked for None', FeatureStore.create, store.root, settings)


def test_a_store_of_an_earlier_version(tmp_path):
    """It has another digest of the same weights."""
    model, digest = torch.nn.Linear(2, 3), hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f'{name} {tuple(value.shape)} {value.dtype}'.encode())
        digest.update(value.numpy().tobytes())
    earlier = dict(SETTINGS, encoder=dict(weights_sha256=digest.hexdigest()))
    store = FeatureStore.create(tmp_path, earlier)
    now = dict(SETTINGS, encoder=dict(weights_sha256=weights_sha256(model)))
    again = FeatureStore.create(tmp_path, now, model)
    assert again.settings == store.settings  # nothing is rewritten
    level = dict(now, encoder=dict(now['encoder'], level='logits'))
    refused('encoder.level is None, asked for logits', FeatureStore.create, tmp_path, level, model)
    model.bias.data += 1
    other = dict(SETTINGS, encoder=dict(weights_sha256=weights_sha256(model)))
    refused('encoder.weights_sha256 is', FeatureStore.create, tmp_path, other, model)


@pytest.mark.parametrize('decoder', ['decord', 'opencv'])
def test_a_store_of_a_former_decoder_is_read_but_not_extended(tmp_path, decoder):
    FeatureStore.create(tmp_path, dict(SETTINGS, decoder=decoder)).put('a', np.ones((3, 2)), grid())
    assert FeatureStore(tmp_path).load('a').sum() == 6
    with pytest.raises(DatasetError, match=f'{decoder}.* not extended; make the store anew in'):
        FeatureStore.create(tmp_path, SETTINGS)


def test_folders_that_are_no_store(tmp_path, store):
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'notes.txt').touch()
    (store.root / 'store.json').write_text('{"format": 99}')
    for folder, settings, message in (
        (tmp_path, None, 'is no feature store: it has no store.json'),
        (tmp_path / 'other', SETTINGS, 'holds other files, as notes.txt'),
        (tmp_path / 'other' / 'notes.txt', SETTINGS, 'cannot be written'),
        (store.root, None, 'format 99, this version reads 1'),
    ):
        with pytest.raises(DatasetError, match=message):
            FeatureStore.create(folder, settings) if settings else FeatureStore(folder)


def test_videos_that_are_broken_or_failed(store):
    rows = [dict(video=name, path=f'{name}.mp4', reason='empty') for name in 'cab']
    store.note_failed(rows, ['a', 'b', 'c'])
    assert [row['video'] for row in store.failed()] == ['a', 'b', 'c']
    store.note_failed([rows[0]], ['b', 'c', 'd'])  # b could be read this time; a was not tried
    lines = (store.root / 'failed.jsonl').read_text().splitlines()
    assert [json.loads(line) for line in lines] == store.failed() == [rows[1], rows[0]]
    refused("has no video 'a'; it has 0 videos", store.load, 'a')
    store.put('a', np.zeros((3, 2)), grid())
    np.save(store.root / 'a.npy', np.zeros((2, 2)))
    refused(r'a.npy is broken \(shape \(2, 2\); expected 3 snip', store.load, 'a')
    np.save(store.root / 'a.npy', np.array([{}, {}, {}]), allow_pickle=True)
    refused(r'a.npy is broken .*; delete a.json beside it and ext', store.load, 'a')
    (store.root / 'a.json').write_text('{"fps": 25}')
    refused(r"a.json is broken \('snippets'\)", store.load, 'a')
    (store.root / 'a.json').write_text('{')
    refused('a.json is broken .is no JSON: .*; delete it and extr', store.grid, 'a')
