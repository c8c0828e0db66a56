"""What all mask sources share: finding files, checking the fit, telling their settings."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.bias_sets.masks.folders import NpzMasks, PngMasks
from albar_mm.bias_sets.masks.refine import GrabCutMasks, MotionMasks, WithinBoxes
from albar_mm.bias_sets.masks.source import (
    CoverFilter,
    MaskResult,
    MaskSource,
    UnionMasks,
    find_entry,
)
from albar_mm.utils.errors import DatasetError
from albar_mm.video.source_video import SourceVideo

from ...refused import refused
from ..toy_benchmark import write_sources
from .toy_masks import blank_video

BOXES = BoxMasks(Path('folder/boxes.txt'))


class Own(MaskSource):
    """A source of the user's."""

    name = 'own'

    def __init__(self, shape):
        self.shape = shape

    def _make(self, video):
        return MaskResult(np.ones(self.shape, bool))


def test_a_source_of_the_users_own():
    source = Own((3, 8, 10))
    assert source.settings() == {'name': 'own', 'shape': [3, 8, 10]}
    assert source.masks(blank_video()).all()


@pytest.mark.parametrize(
    ('shape', 'message'),
    [
        ((2, 8, 10), 'clip: own holds 2 masks of 10x8 px, but .*clip.avi has 3 frames of 10x8'),
        ((3, 10, 8), 'holds 3 masks of 8x10 px, but .* 3 frames of 10x8 px; make the masks again'),
        ((8, 10), r'own: expected masks of shape \(T, H, W\), got an array of shape \(8, 10\)'),
    ],
)
def test_masks_that_do_not_fit(shape, message):
    refused(message, Own(shape).masks, blank_video())


def test_masks_of_the_kept_frames_or_of_all(tmp_path):
    """25 frames a second, six; at ten, frames 0, 3 and 5 are kept."""
    list_file = write_sources(tmp_path, ['wave/wave_a.avi'])
    path = list_file.parent / 'videos' / 'wave' / 'wave_a.avi'
    video = SourceVideo('wave_a', path, 1, 'wave', fps=10)
    numbers = np.zeros((6, 51, 71), bool)
    for t in range(6):
        numbers[t, 0, t] = True

    class Given(Own):
        def _make(self, video):
            return MaskResult(self.given, covered=self.covered)

    source = Given(())
    for given, covered in ((numbers, 4), (numbers[[0, 3, 5]], 2)):
        source.given, source.covered = given, covered
        made = source.result(video)
        assert [int(mask[0].argmax()) for mask in made.masks] == [0, 3, 5] and made.covered == 2
    for wrong in (2, 4, 5, 7):
        source.given = np.ones((wrong, 51, 71), bool)
        said = f'holds {wrong} masks .* has 6 frames of 71x51 px, 3 of them kept at --fps 10; make'
        refused(said, source.masks, video)
    rows = [(f'wave_a {t} {t} 0 {t + 1} 1') for t in range(1, 7)]
    (tmp_path / 'b.txt').write_text('\n'.join(rows))
    columns = [
        np.flatnonzero(mask[0]).tolist() for mask in BoxMasks(tmp_path / 'b.txt').masks(video)
    ]
    assert columns == [[1], [4], [6]]  # boxes count frames of the file, from 1


def test_the_file_in_the_class_folder_comes_first(tmp_path):
    video = blank_video(name='a (1)#&!', class_name='wave')
    for folder in ('', 'wave'):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / 'a (1)#&!.npz').touch()
    assert find_entry(tmp_path, video, ['{}.npz']) == tmp_path / 'wave' / 'a (1)#&!.npz'
    (tmp_path / 'wave' / 'a (1)#&!.npz').unlink()
    assert find_entry(tmp_path, video, ['{}.npz']) == tmp_path / 'a (1)#&!.npz'
    with pytest.raises(DatasetError, match=r'video a \(1\)#&!: no masks; looked for .*wave'):
        find_entry(tmp_path, video, ['{}.mat'])
    refused('gone: no such folder of masks', find_entry, tmp_path / 'gone', video, ['{}.mat'])


def test_names_are_no_wildcards(tmp_path):
    (tmp_path / 'clip_b.npz').touch()
    refused('no masks', find_entry, tmp_path, blank_video(name='clip_*'), ['{}.npz'])


@pytest.mark.parametrize(
    'source',
    [
        BOXES,
        GrabCutMasks(BOXES),
        WithinBoxes(MotionMasks(), BOXES),
        NpzMasks(Path('x')),
        UnionMasks(PngMasks(Path('a')), PngMasks(Path('b'))),
    ],
    ids=lambda source: source.name,
)
def test_sources_travel_to_workers(source):
    assert pickle.loads(pickle.dumps(source)) == source
    assert hash(source) == hash(source)


def test_settings_are_plain_and_name_no_place():
    source = WithinBoxes(PngMasks(Path('/data/x/persons')), BOXES, padding=0.1)
    inner = dict(source=dict(name='png', root='persons'))
    inner['boxes'] = dict(name='text_boxes', path='boxes.txt')
    assert source.settings() == dict(name='within(png,text_boxes)', padding=0.1, **inner)
    assert CoverFilter() == CoverFilter(0.9, 0.1)
