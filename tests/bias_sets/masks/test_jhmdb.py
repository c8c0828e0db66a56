"""JHMDB's puppet masks: the files that the published HMDB51 sets are made from."""

import numpy as np
import pytest
from scipy.io import savemat

from albar_mm.bias_sets.masks.folders import JhmdbMasks, read_puppet_mask
from albar_mm.utils.errors import DatasetError

from ...refused import refused
from .toy_masks import blank_video, index_of, iou, real_clip, toy_masks


def write_mat(path, masks, key='part_mask'):
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {key: np.moveaxis(masks.astype(np.uint8) * 7, 0, 2), 'other': 1})


@pytest.mark.parametrize(
    'place', ['clip.mat', 'wave/clip.mat', 'wave/clip/puppet_mask.mat', 'clip/puppet_mask.mat']
)
def test_layouts(tmp_path, place):
    write_mat(tmp_path / place, toy_masks())
    assert np.array_equal(JhmdbMasks(tmp_path).masks(blank_video()), toy_masks())


def test_frames_beyond_the_masks_have_none(tmp_path):
    write_mat(tmp_path / 'clip.mat', toy_masks(3))
    made = JhmdbMasks(tmp_path).result(blank_video(5))
    assert np.array_equal(made.masks[:3], toy_masks(3)) and not made.masks[3:].any()
    assert made.covered == 3 and made.notes == dict(frames_beyond_the_masks=2)
    assert JhmdbMasks(tmp_path).result(blank_video(3)).notes == {}
    with pytest.raises(DatasetError, match='clip.mat holds 3 masks of 10x8 px, .* 2 frames'):
        JhmdbMasks(tmp_path).masks(blank_video(2))


def test_a_clip_of_hmdb51_that_was_cut_is_no_clip_of_jhmdb(tmp_path):
    write_mat(tmp_path / 'clip.mat', toy_masks(30))
    assert JhmdbMasks(tmp_path).result(blank_video(40)).covered == 30
    said = 'clip.mat holds 30 masks, but .*clip.avi has 41 frames, more than any clip of JHMDB'
    refused(f'{said}.* with --videos', JhmdbMasks(tmp_path).masks, blank_video(41))


def test_one_frame_and_the_name_with_an_at_sign(tmp_path):
    write_mat(tmp_path / 'wave' / 'a@b (1).mat', toy_masks(1))
    video = blank_video(1, name='a#b (1)')
    assert np.array_equal(JhmdbMasks(tmp_path).masks(video), toy_masks(1))
    write_mat(tmp_path / 'wave' / 'a#b (1).mat', ~toy_masks(1))
    assert np.array_equal(JhmdbMasks(tmp_path).masks(video), ~toy_masks(1))


@pytest.mark.parametrize(
    'spoilt',
    [
        lambda raw: raw[:300],
        lambda raw: b'\x00\x01garbage' * 50,
        lambda raw: raw[:150] + b'\xff' * 20 + raw[170:],
        lambda raw: b'',
    ],
)
def test_broken_files(tmp_path, spoilt):
    path = tmp_path / 'clip.mat'
    write_mat(path, np.random.RandomState(0).rand(20, 30, 40) < 0.5)
    path.write_bytes(spoilt(path.read_bytes()))
    said = 'clip.mat: (cannot be read as|no numeric)'
    refused(said, JhmdbMasks(tmp_path).masks, blank_video(20, 30, 40))


def test_other_content(tmp_path):
    write_mat(tmp_path / 'a.mat', toy_masks(), key='masks')
    refused('a.mat: no numeric array part_mask', read_puppet_mask, tmp_path / 'a.mat')
    savemat(tmp_path / 'b.mat', {'part_mask': np.zeros((2, 2, 2, 2))})
    refused(r'b.mat: part_mask has shape \(2, 2, 2, 2\)', read_puppet_mask, tmp_path / 'b.mat')
    write_mat(tmp_path / 'clip.mat', toy_masks(3, 10, 8))
    refused('clip.mat holds 3 masks of 8x10 px, but', JhmdbMasks(tmp_path).masks, blank_video())
    with pytest.raises(DatasetError, match=r'video gone: no masks; looked for .*puppet_mask.mat'):
        JhmdbMasks(tmp_path).masks(blank_video(name='gone'))


@pytest.mark.real_data
def test_masks_of_the_hmdb51_test_split(real_data):
    """Number of frames and mean cover of clips of every class, against the index."""
    rows = index_of(real_data)
    assert len(rows) == 257 and len({row['class'] for row in rows}) == 21
    source = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    for row in rows[::4]:
        frames = int(row['frames'])
        video = blank_video(frames, 240, 320, row['video'], row['class'])
        masks = source.masks(video)
        assert abs(masks.mean() - float(row['mask_cover'])) < 1e-3, row['video']
        assert masks.any((1, 2)).all()  # all policies keep all frames


@pytest.mark.real_data
def test_real_names_with_a_number_sign(real_data):
    """The official HMDB51 lists have ``#`` where JHMDB's files have ``@``."""
    rows = [row for row in index_of(real_data) if '@' in row['video']]
    assert rows
    source = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    for row in rows:
        name = row['video'].replace('@', '#')
        listed = (real_data / 'hmdb51_splits' / f'{row["class"]}_test_split1.txt').read_text()
        assert f'{name}.avi 2' in listed
        found = source.files(blank_video(name=name, class_name=row['class']))
        assert [path.name for path in found] == [f'{row["video"]}.mat']


@pytest.mark.real_data
def test_masks_lie_on_the_decoded_frames(real_data):
    """As many and as large as the frames, and an actor does not jump between two of them."""
    source = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    for row in index_of(real_data)[::40]:
        video = real_clip(real_data, row)
        masks = source.masks(video)
        assert masks.shape == video.frames.shape[:3] and masks.any()
        assert iou(masks[0], masks[min(1, len(masks) - 1)]) > 0.5
