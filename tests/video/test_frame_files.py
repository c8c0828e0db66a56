import struct
import zipfile

import cv2
import numpy as np
import pytest

from albar_mm.utils.errors import BadVideoError
from albar_mm.video import frame_files as _frame_files
from albar_mm.video.frame_files import FrameFiles, zip_frame_names
from tests.refused import refused

JPEG = cv2.imencode('.jpg', np.full((8, 8, 3), 90, np.uint8))[1].tobytes()


def write_zip(path, *names, data=JPEG):
    with zipfile.ZipFile(path, 'w') as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def test_sorted_names_count_the_frames(tmp_path):
    path = write_zip(tmp_path / 'a.zip', 'f/000002.jpg', 'f/000010.jpg', 'f/000001.jpg', 'f/')
    assert zip_frame_names(path) == ['f/000001.jpg', 'f/000002.jpg', 'f/000010.jpg']
    assert FrameFiles(path).read(2) == ('f/000010.jpg', JPEG)
    with pytest.raises(BadVideoError, match='it holds 3 frames, frame 3 was asked for'):
        FrameFiles(path).read(3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.zip']  # nothing was extracted


OUT, ABSOLUTE, NONE = 'leads out of the archive', 'has an absolute name', 'is no image'


@pytest.mark.parametrize(
    'said, name',
    [
        *((OUT, name) for name in ('../evil.jpg', 'a/../../evil.jpg', '..\\evil.jpg', '../')),
        *((ABSOLUTE, name) for name in ('/etc/evil.jpg', 'C:\\evil.jpg')),
        *((NONE, name) for name in ('run.sh', '000001.jpg.exe', 'Thumbs.db')),
    ],
)
def test_members_that_may_not_be_there(tmp_path, said, name):
    path = write_zip(tmp_path / 'bad__0.zip', '000001.jpg', name)
    for read in (zip_frame_names, lambda p: FrameFiles(p).read(0)):
        with pytest.raises(BadVideoError, match=said) as caught:
            read(path)
        assert str(path) in str(caught.value) and repr(name) in str(caught.value)
        assert '\n' not in str(caught.value)
    assert not (tmp_path.parent / 'evil.jpg').exists()


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_members_that_cannot_be_frames(tmp_path, monkeypatch):
    path = tmp_path / 'a.zip'
    with pytest.raises(BadVideoError, match="member '1.jpg' comes twice"):
        zip_frame_names(write_zip(path, '1.jpg', '1.jpg'))
    data = bytearray(write_zip(path, '1.jpg').read_bytes())
    # flags of the entry in the central directory
    struct.pack_into('<H', data, data.rindex(b'PK\x01\x02') + 8, 1)
    path.write_bytes(data)
    refused("member '1.jpg' is encrypted", zip_frame_names, path, error=BadVideoError)
    monkeypatch.setattr(_frame_files, 'MAX_FRAME_BYTES', 100)
    with pytest.raises(BadVideoError, match='too much for a frame'):
        zip_frame_names(write_zip(path, '1.jpg', data=b'\0' * 101))


def test_no_zip_an_empty_one_and_a_damaged_one(tmp_path):
    path = tmp_path / 'a.zip'
    path.write_bytes(b'PK nothing')
    refused('not a readable zip', zip_frame_names, path, error=BadVideoError)
    refused('holds no frames', zip_frame_names, write_zip(path), error=BadVideoError)
    write_zip(path, '1.jpg')
    data = path.read_bytes()
    path.write_bytes(data.replace(JPEG, JPEG[:-40] + bytes(40)))
    refused("member '1.jpg' is damaged", FrameFiles(path).read, 0, error=BadVideoError)


def test_a_folder_and_a_single_image(tmp_path):
    (tmp_path / 'frame000003.jpg').write_bytes(JPEG)
    frames = FrameFiles(tmp_path, 'frame{:06}.jpg')
    assert frames.read(3) == ('frame000003.jpg', JPEG)
    refused(r'frame000004\.jpg: No such file', frames.read, 4, error=BadVideoError)
    still = FrameFiles(tmp_path / 'frame000003.jpg')
    assert still.read(0)[1] == JPEG
    refused('has no frame 1', still.read, 1, error=BadVideoError)
