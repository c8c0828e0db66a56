"""Masks that other programs wrote."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from albar_mm.bias_sets.masks.folders import JhmdbMasks, NpzMasks, PngMasks, RleMasks
from tests.refused import refused

from .toy_masks import blank_video, toy_masks, write_pngs


def runs(mask):
    flat = mask.T.reshape(-1).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    counts = np.diff([0, *edges, len(flat)]).tolist()
    return {'size': list(mask.shape), 'counts': counts}


@pytest.mark.parametrize('name', ['{:05d}.png', 'frame{}.PNG', '{}_mask.png'])
def test_png_in_order_of_their_numbers(tmp_path, name):
    masks = toy_masks(12)
    write_pngs(tmp_path / 'wave' / 'clip', masks, name)
    (tmp_path / 'wave' / 'clip' / '._1.png').touch()
    assert np.array_equal(PngMasks(tmp_path).masks(blank_video(12)), masks)


def test_png_kinds(tmp_path):
    masks = toy_masks(5)
    folder = tmp_path / 'clip'
    folder.mkdir()
    values = masks.astype(np.uint8)
    palette = Image.fromarray(values[0], 'P')
    palette.putpalette([255, 255, 255, 0, 0, 0])  # index 0 is white, index 1 black
    palette.save(folder / '0.png')
    Image.fromarray(masks[1]).save(folder / '1.png')
    Image.fromarray(np.dstack([0 * values[2], 0 * values[2], values[2] * 7])).save(folder / '2.png')
    opaque = np.dstack([np.full_like(values[3], 9)] * 3 + [values[3] * 255])
    Image.fromarray(opaque).save(folder / '3.png')
    Image.fromarray(values[4].astype(np.uint16) * 256).save(folder / '4.png')
    assert np.array_equal(PngMasks(tmp_path).masks(blank_video(5)), masks)


@pytest.mark.parametrize('key', ['mask', 'masks'])
@pytest.mark.parametrize('dtype', [bool, np.uint8, np.int64])
def test_npz(tmp_path, key, dtype):
    masks = toy_masks()
    np.savez_compressed(tmp_path / 'clip.npz', **{key: masks.astype(dtype) * dtype(3)})
    assert np.array_equal(NpzMasks(tmp_path).masks(blank_video()), masks)


def test_no_memory_is_taken_for_masks_that_no_video_has(tmp_path):
    """Sizes are checked before anything is unpacked."""
    large = np.zeros((20, 1024, 1024), bool)
    np.savez_compressed(tmp_path / 'clip.npz', masks=large)
    savemat(tmp_path / 'clip.mat', {'part_mask': large.astype(np.uint8)}, do_compression=True)
    for kind in (NpzMasks, JhmdbMasks):
        refused('takes? 20 MiB, at most 16', kind(tmp_path).masks, blank_video())
    for frames, said in (
        ([None] * 10**6, 'holds 1000000 masks of 10x8 px'),
        ([{'size': [10**6, 10**6], 'counts': [10**12]}] * 3, 'the mask is of 1000000x1000000 px'),
    ):
        (tmp_path / 'clip.json').write_text(json.dumps(frames))
        refused(said, RleMasks(tmp_path).masks, blank_video())


def test_rle_in_a_folder_and_in_one_file(tmp_path):
    masks = toy_masks()
    masks[1] = False
    frames = [runs(masks[0]), None, runs(masks[2])]
    (tmp_path / 'wave').mkdir()
    (tmp_path / 'wave' / 'clip.json').write_text(json.dumps(frames))
    assert np.array_equal(RleMasks(tmp_path).masks(blank_video()), masks)
    for name in ('clip', 'wave/clip'):
        (tmp_path / 'all.json').write_text(json.dumps({'other': [], name: frames}))
        assert np.array_equal(RleMasks(tmp_path / 'all.json').masks(blank_video()), masks)
    absent = blank_video(name='absent')
    said = 'video absent: .*all.json holds no masks of it'
    refused(said, RleMasks(tmp_path / 'all.json').masks, absent)


def broken_png(tmp_path):
    write_pngs(tmp_path / 'clip', np.random.RandomState(0).rand(3, 8, 10) < 0.5)
    path = tmp_path / 'clip' / '00002.png'
    path.write_bytes(path.read_bytes()[:50])
    return PngMasks(tmp_path)


def png_of(number, odd=False):
    def make(tmp_path):
        (tmp_path / 'clip').mkdir()
        for t, mask in enumerate(toy_masks(number)):
            Image.fromarray(mask).save(tmp_path / 'clip' / f'{t + 1:05d}.png')
        if odd:
            Image.new('L', (11, 8)).save(tmp_path / 'clip' / '00003.png')
        return PngMasks(tmp_path)

    return make


def npz_of(change=None, **arrays):
    def make(tmp_path):
        path = tmp_path / 'clip.npz'
        np.savez(path, **arrays)
        if change:
            path.write_bytes(change(path.read_bytes()))
        return NpzMasks(tmp_path)

    return make


def rle_of(content):
    def make(tmp_path):
        (tmp_path / 'clip.json').write_text(content)
        return RleMasks(tmp_path)

    return make


NARROW = '[null, {"size": [8, 9], "counts": [72]}, null]'
FULL = json.dumps([{'size': [8, 10], 'counts': [80]}] * 2)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (broken_png, r'00002.png: cannot be read as an image'),
        (png_of(3, odd=True), r'video clip: .*00003.png is of 11x8 px, but 00001.png of 10x8 px'),
        (png_of(0), r'video clip: .*clip holds no PNG files'),
        (png_of(2), r'00001.png, .* holds 2 masks of 10x8 px, but .* has 3 frames'),
        (npz_of(), r'clip.npz: no array mask or masks; it holds nothing'),
        (npz_of(other=toy_masks()), r'it holds other'),
        (npz_of(mask=toy_masks() * 1.0), r'mask is of type float64; expected bool or integer'),
        (npz_of(mask=np.array([{}], object)), r'clip.npz: cannot be read as arrays'),
        (npz_of(mask=toy_masks()[:, :, 0]), r'clip.npz: expected masks of shape \(T, H, W\)'),
        (npz_of(mask=toy_masks(2)), r'clip.npz holds 2 masks'),
        (npz_of(mask=toy_masks(3, 10, 8)), r'clip.npz holds 3 masks of 8x10 px'),
        (npz_of(lambda raw: raw[:200], mask=toy_masks()), r'clip.npz: cannot be read as arrays'),
        (npz_of(lambda raw: b'', mask=toy_masks()), r'clip.npz: cannot be read as arrays'),
        (
            npz_of(lambda r: r[:150] + b'????' + r[154:], mask=toy_masks()),
            'clip.npz: cannot be read',
        ),
        (rle_of('[{"size": [8, 10]'), r'clip.json: is no JSON'),
        (rle_of('[]'), r'clip.json: expected a list of one entry per frame'),
        (rle_of('{}'), r'clip.json: expected a list of one entry per frame'),
        (rle_of('[1, 2, 3]'), r'clip.json, frame 0 .*: expected an object'),
        (rle_of(NARROW), r'frame 1 \(counted from 0\): the mask is of 9x8 px, the video of 10x8'),
        (rle_of(FULL), r'clip.json holds 2 masks of 10x8 px, but .* 3 frames'),
    ],
)
def test_bad_files(tmp_path, make, message):
    refused(message, make(tmp_path).masks, blank_video())


@pytest.mark.parametrize('source', [PngMasks, NpzMasks, RleMasks])
def test_nothing_there(tmp_path, source):
    for name, said in (
        ('', 'video clip: no masks; looked for '),
        ('gone', 'no such folder of masks'),
    ):
        refused(f'{name}.*{said}', source(tmp_path / name).masks, blank_video())
