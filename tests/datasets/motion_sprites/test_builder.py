"""motion_sprites on disk."""

import json
import os
from unittest import mock

import cv2
import numpy as np
import pytest

from albar_mm.datasets.motion_sprites import SpritesSettings, build_motion_sprites, builder
from albar_mm.datasets.motion_sprites.clips import draw_clip, iid_frames
from albar_mm.utils.errors import DatasetError

SETTINGS = SpritesSettings(train=8, val=8, test=8)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return build_motion_sprites(tmp_path_factory.mktemp('sprites') / 'set', SETTINGS, workers=1)


def decode(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        ok, frame = capture.read()
        if not ok:
            return np.stack(frames)[..., ::-1]
        frames.append(frame)


def test_lists_videos_masks_and_boxes_agree(root):
    for split in ('train', 'val', 'test', 'train_unbiased', 'val_unbiased'):
        rows = [json.loads(line) for line in (root / f'{split}.jsonl').read_text().splitlines()]
        listed = [line.split() for line in (root / f'{split}.txt').read_text().splitlines()]
        assert [(r['video'], str(r['label'])) for r in rows] == [tuple(x) for x in listed]
        name = rows[3]['video'].split('/')[-1][:-4]
        with np.load(root / 'masks' / split / f'{name}.npz', allow_pickle=False) as archive:
            mask = archive['mask']
        for frame, (x1, y1, x2, y2) in zip(mask, rows[3]['boxes'], strict=True):
            assert frame[y1:y2, x1:x2].sum() == frame.sum() > 0


def test_decoded_video_is_close_to_the_rendered_one(root):
    frames = iid_frames(draw_clip(0, 'train', 2, 0.95, 0.9))[0]
    decoded = decode(root / 'videos/train/train_00002.avi')
    assert decoded.shape == frames.shape
    # Chroma is stored at half resolution, so compare luma.
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs(decoded @ weights - frames @ weights).mean() < 4


def test_frames_of_a_still_video_are_coded_alike(root):
    """No frame's code depends on its neighbours: a repeated frame decodes to the same pixels."""
    decoded = decode(root / 'SPRITES_SCUFO_Stripe/test_00001__0.avi')
    assert (decoded == decoded[:1]).all()


def test_manifests_pair_scuba_with_scufo(root):
    for background in ('Scene', 'Texture', 'Stripe'):
        ids = []
        for name in ('SCUBA', 'SCUFO'):
            folder = root / f'SPRITES_{name}_{background}'
            rows = [json.loads(x) for x in (folder / 'manifest.jsonl').read_text().splitlines()]
            assert all((folder / r['file']).is_file() for r in rows)
            ids.append([r['id'] for r in rows])
        assert ids[0] == ids[1] and len(set(ids[0])) == 8
        scufo = decode(folder / rows[2]['file'])[0].astype(int)
        scuba = decode(root / f'SPRITES_SCUBA_{background}' / rows[2]['file']).astype(int)
        assert np.abs(scufo - scuba[rows[2]['scufo_frame']]).mean() < 1
    text = (root / 'SPRITES_ConflFG_Stripe/manifest.jsonl').read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert all(r['conflict_label'] != r['label'] for r in rows)


def test_second_build_writes_nothing_and_other_settings_are_refused(root):
    video = root / 'videos/train/train_00000.avi'
    before = video.stat().st_mtime_ns
    build_motion_sprites(root, SETTINGS)
    assert video.stat().st_mtime_ns == before
    with pytest.raises(DatasetError, match='train is 8, asked for 16.*another folder'):
        build_motion_sprites(root, SpritesSettings(train=16, val=8, test=8))


def test_interrupted_build_is_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(builder, '_write_set', mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        build_motion_sprites(tmp_path, SETTINGS, unbiased=False, workers=1)
    before = (tmp_path / 'train.txt').stat().st_mtime_ns
    assert not (tmp_path / 'SPRITES_SCUBA_Scene').exists()
    monkeypatch.undo()
    build_motion_sprites(tmp_path, SETTINGS, unbiased=False, workers=1)
    assert (tmp_path / 'train.txt').stat().st_mtime_ns == before
    assert (tmp_path / 'SPRITES_ConflFG_Stripe/manifest.jsonl').exists()
    assert not (tmp_path / 'train_unbiased.txt').exists()


def test_full_disk_is_said_in_one_line_and_the_build_goes_on(tmp_path, monkeypatch):
    """OpenCV says nothing when the disk is full while it writes."""
    real = cv2.VideoWriter

    class CutShort:
        def __init__(self, path, *args):
            self._path, self._writer = path, real(path, *args)

        def __getattr__(self, name):
            return getattr(self._writer, name)

        def release(self):
            self._writer.release()
            os.truncate(self._path, os.path.getsize(self._path) // 2)

    monkeypatch.setattr(cv2, 'VideoWriter', CutShort)
    with pytest.raises(DatasetError, match='train_00000.avi: cannot be written: the disk is full'):
        build_motion_sprites(tmp_path, SETTINGS, unbiased=False, workers=1)
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]
    monkeypatch.undo()
    build_motion_sprites(tmp_path, SETTINGS, unbiased=False, workers=1)
    assert not list(tmp_path.rglob('.*'))
