"""One rule makes an id of a path, and no id leads a file elsewhere."""

import pytest

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.video_ids import check_id, id_of, stem_of


@pytest.mark.parametrize(
    ('path', 'stem'),
    [
        ('wave/a.b.mp4', 'a.b'),
        ('a.b', 'a.b'),  # a folder of frames, or a name of a list: nothing there is an ending
        ('/x/v_Diving_g01_c01.AVI', 'v_Diving_g01_c01'),
        ('C:\\videos\\clip.mkv', 'clip'),
        ('frames/clip.1/', 'clip.1'),
        ('a.npy', 'a.npy'),
        ('a.mp4.mp4', 'a.mp4'),
    ],
)
def test_only_the_ending_of_a_video_is_cut(path, stem):
    assert stem_of(path) == stem == id_of(path)


def test_other_endings_and_whole_paths():
    assert stem_of('x/a_i3d.npy', also=('.npy',)) == 'a_i3d'
    assert id_of('/data/wave/far/a.b.mp4', below='/data') == 'wave__far__a.b'
    assert id_of('/other/wave/a.mp4', below='/data') == 'a'


@pytest.mark.parametrize(
    ('name', 'why'),
    [
        ('', 'empty'),
        ('..', 'begins with a dot'),
        ('.hidden', 'begins with a dot'),
        ('a/../b', 'slash'),
        ('a\\b', 'slash'),
        ('a\nb', 'control'),
        ('a\x00', 'control'),
        ('a\udc80', 'no UTF-8'),  # a file name that is no UTF-8
        ('ä' * 106, 'longer than 210 bytes'),
    ],
)
def test_names_that_no_file_can_have(name, why):
    with pytest.raises(DatasetError, match=f'^list.txt:3: no file can be called .*{why}'):
        check_id(name, 'list.txt:3')
    assert check_id('ä' * 105, '') and check_id('東京 in the rain (1..2)', '')
