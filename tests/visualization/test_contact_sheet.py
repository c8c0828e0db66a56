"""Contact sheet: the right pixels in the right place, for exported sets and for manifests alone."""

import numpy as np
import pytest
from PIL import Image

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets.mask_statistics import MaskStatistics, benchmark_statistics
from albar_mm.compositing.backgrounds import Backgrounds
from albar_mm.report.page import render
from albar_mm.utils.errors import DatasetError
from albar_mm.video.source_video import read_frames
from albar_mm.visualization import contact_sheet as sheet
from albar_mm.visualization.contact_sheet import report_benchmark
from tests.bias_sets import toy_benchmark as toy

COLUMNS = ['source, middle frame', 'mask, middle frame', 'mask, largest jump']
COLUMNS += ['SCUBA, Stripe', 'SCUBA, Photos', 'SCUFO, Stripe', 'SCUFO, Photos', 'ConflFG, Stripe']


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """A lossless benchmark, the same as manifests alone, and their settings."""
    folder = tmp_path_factory.mktemp('sheet')
    sources, photos = toy.write_sources(folder), toy.write_photos(folder / 'photos')
    for encoding in ('lossless', 'none'):
        settings = toy.settings_of(photos, encoding=encoding)
        masks = toy.RectangleMasks(blank={'jump_a': (0, 3)})
        toy.build(folder / encoding, sources, settings, masks)
    return folder, Backgrounds(settings.families)


def painted(made, video_id, variant):
    folder, backgrounds = made
    columns, items = sheet.sheet_columns(folder / 'none', variant)
    found = {one.video_id: one for one in benchmark_statistics(folder / 'none')}
    task = found[video_id], items[video_id]
    return columns, sheet.paint_row(folder / 'none', folder / 'videos', backgrounds, task)


@pytest.mark.parametrize('variant', [0, 1])
def test_tiles_are_the_pixels_of_the_files(made, variant):
    columns, row = painted(made, 'jump_b (1)#&!', variant)
    assert columns == COLUMNS and len(row[2]) == len(columns)
    middle = 2  # of five frames
    assert np.array_equal(row[2][0][1], toy.toy_frames('jump/jump_b (1)#&!.avi')[middle])
    folders = [name.replace(', ', '_') for name in columns[3:]]
    for name, (note, tile) in zip(folders, row[2][3:], strict=True):
        folder = made[0] / 'lossless' / f'TOY_{name}'
        item = next(r for r in read_rows(folder) if r['id'] == f'jump_b (1)#&!__{variant}')
        pixels = read_frames(folder / item['file'])
        number = item['scufo_frame'] if 'SCUFO' in name else middle
        assert np.array_equal(tile, pixels[number])
        notes = dict(SCUFO=f'frame {number}', ConflFG='+ wave')
        assert note == notes.get(name.split('_')[0], '')


def test_the_outline_hides_nothing_of_the_mask():
    frame = np.full((60, 80, 3), 200, np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[20:40, 20:50] = True
    picture = sheet.outlined(frame, mask)
    assert picture.shape == (sheet.TILE_HEIGHT, sheet.TILE_WIDTH, 3)
    inside = picture[int(20 * 2.5) : int(40 * 2.5), int(20 * 2.5) : int(50 * 2.5)]
    assert (inside == 200).all() and (picture[48] != 200).any() and (picture[:40] == 200).all()
    assert (sheet.outlined(frame, np.zeros_like(mask)) == 200).all()


def test_a_page_has_room_for_every_tile_and_long_names():
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    tiles = tuple(('', np.full((30, 40, 3), colour, np.uint8)) for colour in colours)
    rows = [('name ' * 80, 'flag', tiles)] * 3
    page = np.asarray(sheet.draw_page('title', ['a', 'b', 'a very long heading ' * 5], rows))
    for colour in colours:
        assert (page == colour).all(-1).sum() == 3 * sheet.TILE_WIDTH * sheet.TILE_HEIGHT
    # the flag is drawn in red at the end of a name that was shortened
    assert (np.abs(page.astype(int) - (179, 38, 30)).sum(-1) < 40).any()


def stats(label, name, *flags):
    numbers = (5, 0, 0.2, 0.1, 0.3, 0.9, 0.8, 1, 0.0, 0.5)
    return MaskStatistics(f'{label}/{name}.avi', name, str(label), label, *numbers, flags=flags)


def test_report_and_a_smaller_one_after_it(made):
    folder, backgrounds = made
    root = folder / 'none'
    lines = report_benchmark(root, folder / 'videos', backgrounds, per_class=0)
    assert lines[-1].endswith('contact_sheet.html: 2 pages, 1 suspicious and 3 of 3 videos')
    pages = sorted((root / 'contact_sheet').iterdir())
    assert [page.name for page in pages] == ['page_001.png', 'page_002.png']
    assert Image.open(pages[1]).size[0] == 8 * (sheet.TILE_WIDTH + 4) + 20
    html = (root / 'contact_sheet.html').read_text()
    assert html.index('Suspicious videos') < html.index('page_001.png') < html.index('page_002.png')
    assert html.count('src="data:image/jpeg;base64,') == 2 and '://' not in html
    assert 'jump/jump_b (1)#&amp;!.avi' in html
    report_benchmark(root, folder / 'videos', backgrounds, per_class=1, suspicious=0)
    assert [p.name for p in (root / 'contact_sheet').iterdir()] == ['page_001.png']


def test_choice_of_videos_and_names_are_only_text():
    hostile = '<i>"&'
    one, named = stats(0, hostile, hostile), {'name': hostile}
    described = dict(masks=named, backgrounds=[named], per_video=1, seed=hostile, dataset=hostile)
    parts = ('title', 'file', 'data', 'width', 'height')
    values = dict(found=[one], bad=[one], good=[one], cover=0.5, border=0.5, overlap=None)
    values |= dict(title=hostile, settings=described, left_out=0)
    text = render('contact_sheet.html', pictures=[dict.fromkeys(parts, hostile)], **values)
    assert '<i' not in text.replace('<img', '') and text.count('&lt;i&gt;&#34;&amp;') == 15
    found = [stats(1, 'bad', 'x'), *(stats(n // 5, f'v{n}') for n in range(10))]
    worst, shown = sheet.choose_videos(found, per_class=2, suspicious=5)
    assert [one.video_id for one in worst] == ['bad']
    assert [one.video_id for one in shown] == ['v0', 'v2', 'bad', 'v7']
    assert len(sheet.choose_videos(found, per_class=0)[1]) == 11
    assert sheet.choose_videos(found, suspicious=0)[0] == []


def test_a_cut_video_and_what_does_not_fit(made, tmp_path):
    folder, backgrounds = made
    found = benchmark_statistics(folder / 'none')
    parts = {'all': found}
    with pytest.raises(DatasetError, match='--variant 2: .* has the variants 0 to 1'):
        sheet.write_sheet(folder / 'none', folder / 'videos', backgrounds, parts, variant=2)
    stripes = Backgrounds(backgrounds.families[:1])
    with pytest.raises(DatasetError, match="no folder was given for the backgrounds 'photos'"):
        sheet.write_sheet(folder / 'none', folder / 'videos', stripes, parts)
    toy.write_sources(tmp_path)
    path = tmp_path / 'videos' / 'jump' / 'jump_a.avi'
    path.write_bytes((tmp_path / 'videos' / 'wave' / 'wave_a.avi').read_bytes())
    with pytest.raises(DatasetError, match='jump_a.avi: not the video that .* --videos'):
        sheet.write_sheet(folder / 'none', tmp_path / 'videos', backgrounds, parts)
    _, row = painted(made, 'jump_a', 0)
    assert row[0].startswith('jump · jump_a · 6 frames, cover ')
    assert row[1] == '1 frames without own mask'
    # the first of seven frames is cut: the middle of the kept ones is frame 3 of the video
    assert row[2][0][0] == row[2][1][0] == 'frame 3'
    assert row[2][2][0] == 'frame 4'  # kept frames 3 and 4 differ most: 3 was filled from 2
