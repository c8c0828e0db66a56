"""motion_sprites: frozen pixels, and no class in a single frame."""

import hashlib

import numpy as np
import pytest

from albar_mm.datasets.motion_sprites import CLASSES, SpritesSettings, split_clips
from albar_mm.datasets.motion_sprites.clips import (
    FRAMES,
    SIDE,
    clip_actor,
    conflict_frames,
    conflict_partner,
    draw_clip,
    iid_frames,
    ood_background,
    scuba_frames,
    scufo_index,
)
from albar_mm.datasets.motion_sprites.looks import draw_trajectory, rng_for

FROZEN = {
    'iid': 'd007f92046cc8d7c13ce4f61a0ac790be05e06a5d4df95254c4710d34e44c170',
    'unbiased': 'bec1108dbeab4650d4d97f55bdb4aad1ad7410e9d5bfe68c6dcd15139d11d569',
    'Scene': '3979ca11eae9dc17b8e9ae1583647a581a8e475558a89c1aa1ecffc98fb09433',
    'Texture': '744c17c096a6abdb50c6d2a43942f49a7b4e37ff6a625d04d3ebe29c9e761dce',
    'Stripe': '336971528c2a88d4f11102001b9d317335da19f3a9fe4d37ce8edb8adc3b2a17',
    'conflict': '1e270b86a85116355e7434b3326a4472e008226a61e8e782961e3ce6fd81059b',
}
"""SHA-256 of the pixels before encoding. A change here re-runs every published row."""


def clips_of(name):
    splits = split_clips(SpritesSettings(train=32, val=8, test=16))
    if name == 'unbiased':
        return [iid_frames(c)[0] for c in splits['train_unbiased']]
    if name == 'iid':
        return [iid_frames(c)[0] for s in ('train', 'val', 'test') for c in splits[s]]
    if name == 'conflict':
        return [conflict_frames(c, conflict_partner(c, splits['test'])) for c in splits['test']]
    return [scuba_frames(c, name) for c in splits['test']]


@pytest.mark.parametrize('name', FROZEN)
def test_pixels_are_frozen(name):
    digest = hashlib.sha256()
    for frames in clips_of(name):
        assert frames.shape == (FRAMES, SIDE, SIDE, 3) and frames.dtype == np.uint8
        digest.update(np.ascontiguousarray(frames).tobytes())
    assert digest.hexdigest() == FROZEN[name]


def test_spurious_rates_and_balance():
    settings = SpritesSettings(train=1600)
    splits = split_clips(settings)
    for split, scene_rate, look_rate in (('train', 0.95, 0.90), ('train_unbiased', 0.125, 0.125)):
        clips = splits[split]
        labels = np.array([c.label for c in clips])
        assert np.bincount(labels).tolist() == [len(clips) // len(CLASSES)] * len(CLASSES)
        scene = np.mean([c.scene // 3 == c.label for c in clips])
        look = np.mean([c.look // 2 == c.label for c in clips])
        # Three standard errors of a share over 1600 clips.
        assert abs(scene - scene_rate) < 3 * np.sqrt(scene_rate * (1 - scene_rate) / 1600)
        assert abs(look - look_rate) < 3 * np.sqrt(look_rate * (1 - look_rate) / 1600)


def test_splits_do_not_overlap():
    splits = split_clips(SpritesSettings(train=16, val=8, test=8))
    keys = [(c.split, c.index) for clips in splits.values() for c in clips]
    assert len(keys) == len(set(keys))
    sizes = dict(train=16, val=8, test=8, train_unbiased=16, val_unbiased=8)
    assert {split: len(clips) for split, clips in splits.items()} == sizes
    published = SpritesSettings()
    assert (published.train, published.val, published.test) == (2400, 320, 320)


@pytest.mark.parametrize('label', range(0, 8, 2))
def test_pairs_are_time_reversed(label):
    def pose(label):
        return draw_trajectory(label, FRAMES, SIDE, rng_for('reverse'))

    forward, backward = pose(label), pose(label + 1)
    for name in ('x', 'y'):
        f, b = getattr(forward, name), getattr(backward, name)
        assert ((f - f[0] + b - b[0]) % SIDE == 0).all()
    assert (forward.angle, forward.scale) == (backward.angle, backward.scale)


def test_names_say_where_the_actor_goes():
    def step(label):
        t = draw_trajectory(label, FRAMES, SIDE, rng_for('direction'))
        signed = [(int(v[1] - v[0]) + SIDE // 2) % SIDE - SIDE // 2 for v in (t.x, t.y)]
        return tuple(np.sign(signed))

    words = {'right': (1, 0), 'left': (-1, 0), 'down': (0, 1), 'up': (0, -1)}
    for label, name in enumerate(CLASSES):
        parts = [words[w] for w in name.split('_')[1:]]
        assert step(label) == tuple(np.sum(parts, axis=0)), name


def test_single_frame_poses_do_not_tell_the_class():
    """Each pose variable of frame 5 is distributed alike in every class (Kolmogorov-Smirnov)."""
    from scipy.stats import ks_2samp

    poses = {}
    for label in range(len(CLASSES)):
        drawn = [draw_trajectory(label, FRAMES, SIDE, rng_for(label, i)) for i in range(400)]
        poses[label] = np.array([[t.x[5], t.y[5], t.angle, t.scale] for t in drawn])
    pairs = [(label, v) for label in range(1, len(CLASSES)) for v in range(4)]
    p_values = [ks_2samp(poses[0][:, v], poses[label][:, v]).pvalue for label, v in pairs]
    assert min(p_values) > 0.01 / len(p_values)


def test_scuba_keeps_the_actor_and_a_still_background():
    clip = draw_clip(0, 'test', 5, 0.95, 0.9)
    frames, mask = iid_frames(clip)
    for background in ('Scene', 'Texture', 'Stripe'):
        scuba = scuba_frames(clip, background)
        assert np.array_equal(scuba[mask], frames[mask])
        still = ood_background(clip, background.lower())
        assert np.array_equal(
            np.where(mask[..., None], 0, scuba), np.where(mask[..., None], 0, still[None])
        )
        assert 0 <= scufo_index(clip, background, FRAMES) < FRAMES


def test_conflict_keeps_the_host_on_top_of_another_class():
    clips = split_clips(SpritesSettings(train=8, val=8, test=64))['test']
    for clip in clips[:16]:
        partner = conflict_partner(clip, clips)
        assert partner.label != clip.label
        host = clip_actor(clip)
        frames = conflict_frames(clip, partner)
        assert np.array_equal(frames[host.mask], host.rgb[host.mask])
        elsewhere = ~host.mask.any(0)
        assert (frames[:, elsewhere] == frames[:1, elsewhere]).all()
        assert (frames[0] != scuba_frames(clip, 'Stripe')[0]).any()


@pytest.mark.parametrize(
    'field, value, message',
    [
        ('scene_rate', 1.2, 'expected .* from 0 to 1'),
        ('look_rate', -0.1, 'expected .* from 0 to 1'),
        ('train', 0, 'must be a positive multiple of 8'),
        ('test', 12, 'must be a positive multiple of 8'),
    ],
)
def test_wrong_settings_are_named(field, value, message):
    with pytest.raises(ValueError, match=f'{field}.*{message}'):
        SpritesSettings(**{field: value})
