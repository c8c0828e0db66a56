"""Masks and backgrounds that a build keeps."""

import numpy as np
import pytest
from PIL import Image

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets.verify import verify_benchmark
from albar_mm.compositing.backgrounds import Backgrounds, stripe_image
from albar_mm.compositing.kept import (
    Materials,
    kept_background_path,
    load_arrays,
    load_kept_background,
    load_kept_masks,
    load_packed_masks,
    mask_sha256,
    save_kept_masks,
)
from albar_mm.utils.arrays import write_npz

from ..bias_sets.toy_benchmark import build, settings_of, write_photos, write_sources
from ..refused import refused


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('kept')
    photos = write_photos(folder / 'photos')
    source_list = write_sources(folder)
    settings = settings_of(photos, encoding='none')
    build(folder / 'bias', source_list, settings)
    return folder / 'bias', folder / 'photos', source_list, settings


def rows_of(root):
    return [row for folder in sorted(root.glob('TOY_*')) for row in read_rows(folder)]


def test_every_row_finds_the_background_of_its_own_size(made):
    root, photos, _, _ = made
    sizes = set()
    for row in rows_of(root):
        size = row['height'], row['width']
        if row['background'] == 'stripe':
            image = stripe_image(np.random.RandomState(row['stripe_seed']))
        else:
            image = np.asarray(Image.open(photos / row['background_file']).convert('RGB'))
        expected = np.asarray(Image.fromarray(image).resize(size[::-1]))
        kept = load_kept_background(kept_background_path(root, row), *size)
        assert np.array_equal(kept, expected)
        assert np.array_equal(Materials(root, {}).background(row), expected)  # no folder of photos
        sizes.add(size)
    assert len(sizes) == 2
    assert len(list((root / 'backgrounds').rglob('*.npz'))) == len(
        {kept_background_path(root, row) for row in rows_of(root)}
    )


def test_a_later_build_restores_what_is_gone_and_keeps_what_is_there(made):
    root, _, source_list, settings = made
    first, *others = sorted((root / 'backgrounds').rglob('*.npz'))
    content, times = first.read_bytes(), [path.stat().st_mtime_ns for path in others]
    first.unlink()
    build(root, source_list, settings)
    assert first.read_bytes() == content
    assert [path.stat().st_mtime_ns for path in others] == times


def test_the_check_finds_one_that_is_another_image(made):
    root, _, source_list, settings = made
    videos = source_list.parent / 'videos'
    backgrounds = Backgrounds(settings.families)
    assert not verify_benchmark(root, videos, backgrounds, sample=None)[0]
    row = rows_of(root)[0]
    path = kept_background_path(root, row)
    content = path.read_bytes()
    try:
        image = load_kept_background(path, row['height'], row['width']).copy()
        image[0, 0] ^= 1
        write_npz(path, dict(image=image))
        found = verify_benchmark(root, videos, backgrounds, sample=None)[0]
        assert found and all('kept background' in finding for finding in found)
    finally:
        path.write_bytes(content)


def test_broken_files(tmp_path):
    path = tmp_path / 'b.npz'
    assert load_kept_background(path, 4, 4) is None
    image = np.random.RandomState(0).randint(0, 255, (4, 4, 3)).astype(np.uint8)
    write_npz(path, dict(image=image))
    refused('b.npz: holds no such background.*5x4 px', load_kept_background, path, 4, 5)
    refused('b.npz: holds no bits; delete it', load_arrays, path, ('bits',))
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 4
    path.write_bytes(whole)
    refused('delete it and build again', load_kept_background, path, 4, 4)


@pytest.mark.parametrize('shape', [(4, 8, 8), (5, 51, 71), (1, 3, 3)])
def test_frames_of_packed_masks(tmp_path, shape):
    masks = np.random.RandomState(0).rand(*shape) > 0.5
    save_kept_masks(tmp_path / 'm.npz', masks)
    packed = load_packed_masks(tmp_path / 'm.npz', mask_sha256(masks))
    assert packed.shape == shape
    assert np.array_equal(packed.all(), masks)
    assert np.array_equal(load_kept_masks(tmp_path / 'm.npz', mask_sha256(masks)), masks)
    for chosen in ([0], [shape[0] - 1, 0], list(range(shape[0]))):
        found = packed.frames(chosen)
        assert found.dtype == bool and np.array_equal(found, masks[chosen])


def test_masks_whose_bits_do_not_fit_their_shape(tmp_path):
    np.savez(tmp_path / 'm.npz', bits=np.zeros(3, np.uint8), shape=np.array([2, 8, 8]))
    refused('holds no masks .*delete it and build again', load_packed_masks, tmp_path / 'm.npz')
