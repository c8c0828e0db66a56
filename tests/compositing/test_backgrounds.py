"""Folders of background images: what is drawn, what is refused."""

import numpy as np
import pytest
from PIL import Image

from albar_mm.compositing.backgrounds import (
    Backgrounds,
    ImageFolder,
    Stripes,
    parse_background,
    stripe_image,
)
from albar_mm.utils.errors import DatasetError

from ..bias_sets.toy_benchmark import write_photos


def colour(height=80, width=90, seed=9):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture
def mixed(tmp_path):
    """Three photos, one of them below a sub-folder, and five files that are of no use."""
    folder = write_photos(tmp_path / 'mixed', 2)
    (folder / 'sub').mkdir()
    Image.fromarray(colour()).save(folder / 'sub' / 'deep.PNG')
    Image.fromarray(colour()[..., 0]).save(folder / 'grey1.png')
    Image.fromarray(np.repeat(colour()[..., :1], 3, -1)).save(folder / 'grey3.png')
    Image.fromarray(colour().astype(np.uint16)[..., 0] * 200).save(folder / 'deep_grey.png')
    Image.fromarray(colour(63, 90)).save(folder / 'tiny.png')
    (folder / 'broken.jpg').write_bytes(b'\xff\xd8\xff no picture')
    (folder / 'notes.txt').write_text('not looked at')
    return folder


def test_refused_images_are_never_drawn_and_all_listed(mixed):
    family = ImageFolder('Photos', mixed)
    drawn = [family.draw(0, f'v{n}', 0)['background_file'] for n in range(60)]
    assert set(drawn) == {'photo0.png', 'photo1.png', 'sub/deep.PNG'}
    refused = {image['file']: image['reason'] for image in family.report()['refused']}
    assert set(refused) == {'grey1.png', 'grey3.png', 'deep_grey.png', 'tiny.png', 'broken.jpg'}
    assert refused['grey1.png'] == refused['grey3.png'] == refused['deep_grey.png'] == 'grey-scale'
    assert refused['tiny.png'] == 'too small: 90x63 px'
    assert refused['broken.jpg'].startswith('unreadable: ')


def test_draws_do_not_depend_on_order_or_on_what_was_looked_at(mixed):
    keys = [(f'v{n}', k) for n in range(8) for k in range(3)]
    forth, back = ImageFolder('Photos', mixed), ImageFolder('Photos', mixed)
    first = {key: forth.draw(5, *key) for key in keys}
    assert {key: back.draw(5, *key) for key in reversed(keys)} == first
    assert len({draw['background_file'] for draw in first.values()}) == 3
    other = ImageFolder('Other', mixed)
    assert {key: other.draw(5, *key) for key in keys} != first


@pytest.mark.parametrize('redraws', [1000, 1])  # with one, the rest is searched
def test_a_single_good_image_is_found_among_many(tmp_path, monkeypatch, redraws):
    monkeypatch.setattr('albar_mm.compositing.backgrounds._REDRAWS', redraws)
    folder = write_photos(tmp_path, 1)
    grey = Image.fromarray(np.zeros((64, 64), np.uint8))
    for name in ('a', 'z', *range(20)):
        grey.save(folder / f'{name}_grey.png')
    family = ImageFolder('Photos', folder)
    assert {family.draw(0, f'v{n}', 0)['background_file'] for n in range(20)} == {'photo0.png'}


def test_stretch_is_pils_default_and_alpha_is_dropped(tmp_path):
    pixels = np.dstack([colour(), np.random.RandomState(0).randint(0, 256, (80, 90))])
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / 'a.png')
    family = ImageFolder('Photos', tmp_path)
    row = dict(background='photos', **family.draw(0, 'v', 0))
    stretched = Backgrounds([family]).of_row(row, 48, 64)
    expected = Image.fromarray(colour()).resize((64, 48))
    assert np.array_equal(stretched, np.asarray(expected))


def test_stripes_of_a_row_need_only_its_seed():
    row = dict(background='stripe', **Stripes().draw(4, 'v', 1))
    image = Backgrounds([Stripes()]).of_row(row, 240, 320)
    drawn = stripe_image(np.random.RandomState(row['stripe_seed']))
    assert np.array_equal(image, np.asarray(Image.fromarray(drawn).resize((320, 240))))


def test_another_image_under_the_same_name(tmp_path):
    folder = write_photos(tmp_path, 1)
    family = ImageFolder('Photos', folder)
    row = dict(background='photos', **family.draw(0, 'v', 0))
    Image.fromarray(colour()).save(folder / 'photo0.png')
    with pytest.raises(DatasetError, match='photo0.png: not the image .* SHA-256'):
        Backgrounds([family]).of_row(row, 48, 64)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('Photos', r"expected 'stripe' or NAME=FOLDER"),
        ('=x', r"expected 'stripe' or NAME=FOLDER"),
        ('Photos=gone', r'gone: no such folder of background images'),
        ('Photos=empty', r'empty: holds no images'),
        ('avg=empty', r'not a name for a family'),
        ('my photos=empty', r'not a name for a family'),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'empty' / 'notes.txt').touch()
    with pytest.raises(DatasetError, match=message):
        parse_background(text)


def test_nothing_but_grey(tmp_path):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / 'grey.png')
    with pytest.raises(DatasetError, match='all 1 images are refused .* grey.png as grey-scale'):
        ImageFolder('Photos', tmp_path).draw(0, 'v', 0)


def test_two_families_of_one_name(tmp_path):
    folder = write_photos(tmp_path)
    with pytest.raises(DatasetError, match='different names'):
        Backgrounds([ImageFolder('Photos', folder), ImageFolder('photos', folder)])
