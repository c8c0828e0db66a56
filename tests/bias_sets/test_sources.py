"""Source videos: lists, class names, and no training clip among them."""

import pytest

from albar_mm.bias_sets.sources import official_sources, read_source_list, require_files
from albar_mm.utils.errors import DatasetError

from ..refused import refused
from .toy_benchmark import write_sources


def test_list_and_class_names(tmp_path):
    sources = read_source_list(write_sources(tmp_path), tmp_path / 'videos')
    assert [v.video_id for v in sources.videos] == ['jump_a', 'jump_b (1)#&!', 'wave_a']
    assert [v.label for v in sources.videos] == [0, 0, 1]
    assert [v.class_name for v in sources.videos] == ['jump', 'jump', 'wave']
    assert sources.names['jump_b (1)#&!'] == 'jump/jump_b (1)#&!.avi'
    assert [entry['file'] for entry in sources.lists] == ['test_split1.txt']
    require_files(sources)
    (tmp_path / 'videos' / 'wave' / 'wave_a.avi').unlink()
    refused('1 of 3 source videos do not exist: .*wave_a.avi; ', require_files, sources)


def test_order_of_the_list_does_not_matter(tmp_path):
    path = write_sources(tmp_path)
    forth = read_source_list(path, tmp_path)
    path.write_text('\n'.join(reversed(path.read_text().splitlines())))
    back = read_source_list(path, tmp_path)
    assert [v.video_id for v in back.videos] == [v.video_id for v in forth.videos]


@pytest.mark.parametrize('part', ['train', 'val'])
def test_leak_into_training_is_an_error(tmp_path, part):
    path = write_sources(tmp_path)
    # JHMDB's own test clips are HMDB51 training clips: another folder, the same clip
    (tmp_path / f'{part}_split1.txt').write_text('other/wave_a.avi 1\n')
    refused(rf'1 source videos .*{part}_split1.txt.*: wave_a; ', read_source_list, path, tmp_path)
    assert len(read_source_list(path, tmp_path, training_lists=[]).videos) == 3
    (tmp_path / f'{part}_split1.txt').write_text('wave/wave_c.avi 1\n')
    checked = read_source_list(path, tmp_path).training_lists
    assert [entry['file'] for entry in checked] == [f'{part}_split1.txt']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'the list is empty'),
        ('jump/a.avi\n', "test_split1.txt:1: expected '<path> <number>'"),
        ('jump/a.avi 0\njump/b.avi 2\n', r'test_split1.txt:2: label 2; expected 0 to 1'),
        ('jump/a.avi 0\nwave/a.avi 1\n', r'jump/a.avi and wave/a.avi would both be a in the bench'),
        ('../a.avi 0\n', r'\.\./a.avi: expected a path below'),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, content, message):
    path = write_sources(tmp_path)
    path.write_text(content)
    refused(message, read_source_list, path, tmp_path)


def test_missing_list(tmp_path):
    with pytest.raises(DatasetError, match='gone.txt: no such file; lists are made by'):
        read_source_list(tmp_path / 'gone.txt', tmp_path)


def test_official_lists(real_data):
    ucf101 = official_sources('ucf101', real_data / 'ucf101', real_data)
    assert len(ucf101.videos) == 3783
    walking = [v for v in ucf101.videos if v.class_name == 'WalkingWithDog']
    assert walking and {v.label for v in walking} == {97}  # official index minus 1
    hmdb51 = official_sources('hmdb51', real_data / 'hmdb51_splits', real_data)
    jhmdb21 = official_sources('jhmdb21', real_data / 'hmdb51_jhmdb21', real_data)
    assert (len(hmdb51.videos), len(jhmdb21.videos)) == (1530, 257)
    official = {v.video_id for v in hmdb51.videos}
    # JHMDB writes @ for the # of HMDB51; there is one such clip
    renamed = {v.video_id for v in jhmdb21.videos} - official
    assert len(renamed) == 1 and {name.replace('@', '#') for name in renamed} <= official
