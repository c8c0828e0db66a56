"""Extraction: equal to a plain loop, across videos, resumable, and clear about bad videos."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from albar_mm.engine.launch import load_config
from albar_mm.utils.errors import BadVideoError, DatasetError, WriteError
from downstream.features.encoder import FrozenEncoder
from downstream.features.extract import extract_features, store_settings
from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore
from downstream.features.videos import Video, choose_reader, find_videos

from .videos import moving, write_video

READER = choose_reader('pyav')
SAMPLING = Sampling(4, 3, 2)
LENGTHS = (1, 30, 7, 3, 41, 16)


def plain_loop(encoder, reader, path, sampling):
    """Features of a whole video, one window after another; short windows show the last frame."""
    with reader(path) as opened:
        seen = np.concatenate([encoder.view(chunk.pixels) for chunk in opened.chunks()])
    rows = []
    for index in range(sampling.num_snippets(len(seen))):
        wanted = index * sampling.stride + sampling.frame_interval * np.arange(sampling.clip_len)
        clip = seen[np.minimum(wanted, len(seen) - 1)].swapaxes(0, 1)
        batch = torch.from_numpy(encoder.formatted(clip))[None]
        rows.append(encoder.encode(batch)[0, 0].numpy())
    return np.stack(rows)


@pytest.fixture
def encoder(toy_config):
    torch.manual_seed(0)
    return FrozenEncoder(toy_config, None)


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / 'videos'
    folder.mkdir()
    for index, length in enumerate(LENGTHS):
        write_video(folder / f'v{index}.mp4', moving(length))
    return find_videos([folder])[0]


def extract(encoder, videos, folder, sampling=SAMPLING, **options):
    store = FeatureStore.create(folder, store_settings(encoder, sampling, READER))
    return store, extract_features(encoder, sampling, videos, store, READER, **options)


@pytest.mark.parametrize('batch_size, workers', [(4, 1), (64, 3)])
def test_equal_to_a_plain_loop(encoder, videos, tmp_path, monkeypatch, batch_size, workers):
    sizes, encode = [], encoder.encode
    monkeypatch.setattr(encoder, 'encode', lambda batch: sizes.append(len(batch)) or encode(batch))
    options = dict(batch_size=batch_size, workers=workers)
    store, done = extract(encoder, videos, tmp_path / 'store', **options)
    assert store.ids() == [f'v{index}' for index in range(len(LENGTHS))]
    assert (done.done, done.kept, done.failed) == (6, 0, [])
    total = sum(-(-n // 3) for n in LENGTHS)
    assert done.frames == sum(LENGTHS) and done.snippets == total
    # batches go across videos
    assert sizes == [batch_size] * -(-total // batch_size)
    for video, length in zip(videos, LENGTHS, strict=True):
        wanted = plain_loop(encoder, READER, video.path, SAMPLING)
        assert store.load(video.video_id) == pytest.approx(wanted, abs=1e-5)
        grid, info = store.grid(video.video_id), store.info(video.video_id)
        assert (grid.num_frames, grid.fps, grid.num_snippets) == (length, 10, -(-length // 3))
        assert info['source']['file'] == video.path.name
    assert not list(store.root.glob('.*.part*'))


def test_crops_and_halves(toy_config, videos, tmp_path):
    cfg = load_config(toy_config)
    cfg.test_dataloader.dataset.pipeline.insert(4, dict(type='CenterCrop', crop_size=24))
    encoder = FrozenEncoder(cfg, None, crops=10)
    settings = store_settings(encoder, SAMPLING, READER, dtype='float16')
    store = FeatureStore.create(tmp_path / 'store', settings)
    extract_features(encoder, SAMPLING, videos[1:2], store, READER)
    features = store.load('v1')
    assert features.shape == (10, 10, 32) and features.dtype == np.float16
    assert not np.array_equal(features[:, 0], features[:, 1])


def test_what_is_there_is_kept(encoder, videos, tmp_path):
    store, _ = extract(encoder, videos[:3], tmp_path / 'store')
    before = {path.name: path.stat().st_mtime_ns for path in store.root.iterdir()}
    store, done = extract(encoder, videos, tmp_path / 'store')
    assert (done.done, done.kept) == (3, 3)
    assert before.items() <= {p.name: p.stat().st_mtime_ns for p in store.root.iterdir()}.items()


def test_bad_videos(encoder, videos, tmp_path):
    bad = videos[2].path
    bad.write_bytes(bad.read_bytes()[:-200])
    with pytest.raises(BadVideoError, match=r'v2.mp4 cannot be read: .*truncated'):
        extract(encoder, videos, tmp_path / 'store')
    assert FeatureStore(tmp_path / 'store').failed() == []
    gone = Video('v9', tmp_path / 'gone.mp4')
    store, done = extract(encoder, [*videos, gone], tmp_path / 'store', on_bad='skip', workers=2)
    assert 'v2' not in store and len(store) == 5 and done.done + done.kept == 5
    cut, missing = store.failed()
    assert [cut, missing] == sorted(done.failed, key=lambda row: row['video'])
    assert cut['video'] == 'v2' and 'truncated' in cut['reason']
    assert missing['video'] == 'v9' and 'no such file' in missing['reason']
    write_video(bad, moving(9))
    store, done = extract(encoder, videos, tmp_path / 'store', on_bad='skip')
    assert done.done == 1 and store.failed() == [missing] and len(store) == 6


def test_a_name_that_the_disk_does_not_take(encoder, videos, tmp_path, monkeypatch):
    """As encrypted disks, whose names are shorter: the rest is done where that is asked for."""
    replace_file, full = os.replace, {'v1.npy': errno.ENAMETOOLONG}

    def limited(part, path):
        if path.name in full:
            raise OSError(full[path.name], 'refused', str(path))
        replace_file(part, path)

    monkeypatch.setattr(os, 'replace', limited)
    store, done = extract(encoder, videos, tmp_path / 'store', on_bad='skip')
    assert len(store) == 5 and [row['video'] for row in done.failed] == ['v1']
    assert 'the name is too long' in store.failed()[0]['reason']
    assert {path.stem for path in store.root.glob('*.npy')} == set(store.ids())
    full['v1.npy'] = errno.ENOSPC
    with pytest.raises(WriteError, match='the disk is full'):
        extract(encoder, videos, tmp_path / 'store', on_bad='skip')


def test_a_video_that_breaks_off_leaves_nothing_and_faults_of_the_program_are_not_skipped(
    encoder, videos, tmp_path, monkeypatch
):
    chunks, encode = READER.chunks, encoder.encode

    def breaks(self):
        for chunk in chunks(self):
            yield chunk
            if self.path.stem == 'v4':
                raise self.bad('a picture cannot be decoded')

    with monkeypatch.context() as patch:
        patch.setattr(READER, 'chunks', breaks)
        store, done = extract(encoder, videos, tmp_path / 'five', on_bad='skip', batch_size=2)
    assert [row['video'] for row in done.failed] == ['v4'] and len(store) == 5
    assert {path.suffix for path in store.root.iterdir()} == {'.json', '.npy', '.jsonl', ''}
    with monkeypatch.context() as patch:
        patch.setattr(encoder, 'encode', lambda batch: encode(batch) * np.nan)
        with pytest.raises(DatasetError, match=r'v0.mp4: its features are not finite'):
            extract(encoder, videos, tmp_path / 'store', on_bad='skip')
    monkeypatch.setattr(type(encoder.view), '__call__', lambda self, frames: frames[0, 0])
    with pytest.raises((ValueError, IndexError, StopIteration)):
        extract(encoder, videos, tmp_path / 'store', on_bad='skip')
    assert len(FeatureStore(tmp_path / 'store')) == 0


def test_brought_to_another_frame_rate(encoder, videos, tmp_path):
    """Also of a container that does not announce its number of frames."""
    write_video(videos[1].path.with_suffix('.mkv'), moving(30))
    video, seen = Video('v1', videos[1].path.with_suffix('.mkv')), []
    options = dict(sampling=replace(SAMPLING, fps=5.0), notice=lambda *a: seen.append(a[1:]))
    store, done = extract(encoder, [video], tmp_path / 'store', **options)
    assert sum(frames for frames, _ in seen) == 30 and all(0 <= part <= 1 for _, part in seen)
    grid = store.grid('v1')
    assert done.frames == 30 and grid.num_frames == 15 and grid.fps == 5
    assert grid.duration_s == pytest.approx(3)
