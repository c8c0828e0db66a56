import numpy as np
import pytest
from mmaction.registry import DATASETS
from torch._utils import ExceptionWrapper  # what a loader's worker sends

from albar_mm.utils.errors import BadVideoError, DatasetError, one_line
from tests.video_files import write_video

PIPELINE = [
    dict(type='OpenCVInit'),
    dict(type='SampleFrames', clip_len=2, frame_interval=1, num_clips=1),
    dict(type='OpenCVDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
BAD = ('v1.avi', 'v4.avi', 'v6.avi')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Twelve videos: v1 is cut, v4 empty, v6 missing; the label is the number."""
    root = tmp_path_factory.mktemp('videos')
    for index in range(12):
        write_video(root / f'v{index}.avi', frames=6)
    whole = (root / 'v1.avi').read_bytes()
    (root / 'v1.avi').write_bytes(whole[: len(whole) // 2])
    (root / 'v4.avi').write_bytes(b'')
    (root / 'v6.avi').unlink()
    (root / 'list.txt').write_text(''.join(f'v{i}.avi {i}\n' for i in range(12)))
    return root


def build(folder, lines=None, **kwargs):
    ann_file = folder / 'list.txt'
    if lines is not None:
        ann_file = folder / 'other.txt'
        ann_file.write_text(lines)
    kwargs.setdefault('pipeline', PIPELINE)
    given = dict(ann_file=str(ann_file), data_prefix=dict(video=str(folder)), **kwargs)
    return DATASETS.build(dict(type='RobustVideoDataset', **given))


def test_items_stand_in_for_unreadable_videos_and_say_so(folder):
    dataset = build(folder)
    for index in range(12):
        sample = dataset[index]['data_samples']
        label = int(sample.gt_label)
        if f'v{index}.avi' in BAD:
            assert sample.replaced == str(folder / f'v{index}.avi')
            assert sample.replaced_reason and '\n' not in sample.replaced_reason
            assert f'v{label}.avi' not in BAD  # another video, with its own label
        else:
            assert label == index and 'replaced' not in sample.metainfo


def test_replacement_follows_the_random_numbers_of_the_loader(folder):
    dataset = build(folder)

    def drawn(seed, index=4):
        np.random.seed(seed)
        return int(dataset[index]['data_samples'].gt_label)

    first = [drawn(seed) for seed in range(12)]
    assert first == [drawn(seed) for seed in range(12)]
    assert len(set(first)) > 3
    assert first != [drawn(seed, index=1) for seed in range(12)]


def test_testing_stops_with_one_line(folder):
    dataset = build(folder, test_mode=True)
    assert int(dataset[0]['data_samples'].gt_label) == 0
    for index, reason in ((1, 'truncated'), (4, 'empty'), (6, 'no such file')):
        with pytest.raises(BadVideoError, match=rf'v{index}.avi cannot be read: .*{reason}'):
            dataset[index]
    try:
        dataset[4]
    except BadVideoError:
        passed_on = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(BadVideoError) as caught:
        passed_on.reraise()
    line = one_line(caught.value)
    assert line.startswith(f'video {folder / "v4.avi"} cannot be read: the file is empty; ')


def test_when_nothing_can_be_read_the_data_is_at_fault(folder, tmp_path):
    lines = ''.join(f'gone{i}.avi 0\n' for i in range(20))
    with pytest.raises(DatasetError, match='none of the first 8 videos can be read.*data_prefix'):
        build(folder, lines)[0]
    # later on, so many failures in a row are no chance either
    dataset = build(folder, 'v0.avi 0\n' + lines, max_attempts=3)
    dataset[0]
    np.random.seed(0)
    with pytest.raises(DatasetError, match='and 3 videos that were drawn to replace it'):
        for _ in range(20):
            dataset[5]


def test_a_fault_of_the_pipeline_is_not_replaced(folder):
    def broken(results):
        raise ValueError('a bug')

    with pytest.raises(ValueError, match='^a bug$'):
        build(folder, pipeline=[*PIPELINE[:3], broken])[0]
    with pytest.raises(TypeError):
        build(folder, pipeline=[*PIPELINE[:1], dict(type='SampleFrames', clip_len='two')])[0]


@pytest.mark.parametrize(
    'lines, match',
    [
        ('\n\n', 'other.txt: is empty'),
        ('v0.avi 0\nv2.avi\n', "other.txt:2: expected path' 'label, got 'v2.avi'"),
        ('v0.avi 0\n\nv2.avi 1\n', "txt:2: expected path' 'label, got ''"),
        ('a b.avi 0\n', 'txt:1: expected path.* paths with spaces need another delimiter'),
        ('v0.avi 0\nhttp://127.0.0.1/v.mp4 0\n', 'txt:2: http://127.0.0.1/v.mp4 is an address'),
        ('v0.avi x\n', "txt:1: label: expected a whole number from 0 to 11, got 'x'"),
        ('v0.avi 0\nv2.avi 12\n', "txt:2: label: .* from 0 to 11, got '12'"),
    ],
)
def test_annotation_errors_name_the_line(folder, lines, match):
    with pytest.raises(DatasetError, match=match):
        build(folder, lines, num_classes=12)


def test_illegal_settings(folder):
    with pytest.raises(ValueError, match='max_attempts: expected a whole number from 1'):
        build(folder, max_attempts=0)
