"""The three compositing transforms, written out in a pipeline."""

import numpy as np
import pytest
from mmengine.dataset import Compose

from albar_mm.annotations.manifest import read_rows
from albar_mm.compositing.kept import forget_materials
from albar_mm.datasets.transforms import PasteForeground, RepeatFrame, SwapBackground
from albar_mm.utils.errors import DatasetError
from albar_mm.video.source_video import frame_cache

from ...bias_sets.toy_benchmark import build, settings_of, write_photos, write_sources

SAMPLE = dict(type='BiasSampleFrames', clip_len=6, frame_interval=2, test_mode=True)
FOLDERS = dict(
    SwapBackground='TOY_SCUBA_Photos',
    RepeatFrame='TOY_SCUFO_Photos',
    PasteForeground='TOY_ConflFG_Stripe',
)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('toy')
    photos = write_photos(folder / 'photos')
    build(folder / 'bias', write_sources(folder), settings_of(photos, encoding='lossless'))
    return folder


@pytest.fixture(autouse=True)
def empty_caches():
    frame_cache(256).clear()
    forget_materials()


def info_of(made, folder, number=0):
    row = read_rows(made / 'bias' / folder)[number]
    return row, dict(filename=str(made / 'videos' / row['video']), row=row, start_index=0)


def steps(made, name='SwapBackground', sample=SAMPLE):
    swap = dict(type=name, bias_root=made / 'bias', backgrounds=dict(Photos=made / 'photos'))
    return Compose([dict(type='SourceInit'), sample, dict(type='SourceDecode'), swap])


@pytest.mark.parametrize('name', FOLDERS)
def test_later_steps_may_work_in_place(made, name):
    pipeline = steps(made, name)
    _, info = info_of(made, FOLDERS[name])
    before = [image.copy() for image in pipeline(dict(info))['imgs']]
    images = pipeline(dict(info))['imgs']
    assert len({image.ctypes.data for image in images}) == len(images)
    for image in images:
        image[:] = 0
    assert np.array_equal(pipeline(dict(info))['imgs'], before)


def test_steps_in_the_wrong_place(made):
    _, info = info_of(made, 'TOY_SCUFO_Photos')
    with pytest.raises(ValueError, match='SwapBackground makes scuba items, .* of the set scufo'):
        steps(made)(info)
    swap = SwapBackground(made / 'bias')
    with pytest.raises(ValueError, match='must stand right after SourceDecode'):
        swap(dict(row=info_of(made, 'TOY_SCUBA_Photos')[0]))
    with pytest.raises(ValueError, match='needs the row of a manifest'):
        swap({})
    with pytest.raises(ValueError, match='cache_mib: expected a whole number from 0'):
        Compose([dict(type='SourceDecode', cache_mib=-1)])


@pytest.mark.parametrize(
    'change, match',
    [
        (dict(mask_sha256='0' * 64), 'not the masks that the manifest was made with'),
        (dict(video_id='nobody'), 'nobody.npz: no such file; build again'),
        (dict(height=50), '64x48 px, 64x50 expected'),
        (dict(video_id='handed_on', last=1), '7 frames, more than 7 expected'),
        (dict(background_file='none.png'), 'none.png: no such file'),
        (dict(background_sha256='0' * 64), 'not the image that the manifest was made with'),
    ],
)
def test_files_that_are_gone_or_others(made, change, match):
    row, info = info_of(made, 'TOY_SCUBA_Photos')
    if 'last' in change:
        change = dict(change, last=row['last'] + 1)
    with pytest.raises(DatasetError, match=match):
        steps(made)(dict(info, row=dict(row, **change)))


def test_another_video_and_no_folder_of_backgrounds(made):
    row, info = info_of(made, 'TOY_SCUBA_Photos')
    longer = str(made / 'videos' / 'wave' / 'wave_a.avi')
    assert row['video'] != 'wave/wave_a.avi'
    with pytest.raises(DatasetError, match='wave_a.avi: not the video that the benchmark was'):
        steps(made)(dict(info, filename=longer))
    with pytest.raises(DatasetError, match="no folder was given for the backgrounds 'photos'"):
        Compose([*steps(made).transforms[:3], SwapBackground(made / 'bias')])(info)


@pytest.mark.parametrize('step', [SwapBackground, RepeatFrame, PasteForeground])
def test_nothing_of_this_machine_is_described(step):
    made = step('/somewhere/bias', dict(photos='/somewhere/photos'))
    assert repr(made) == f"{step.__name__}(backgrounds=['photos'])"
    assert all('somewhere' not in str(v) for k, v in vars(made).items() if k[0] != '_')
