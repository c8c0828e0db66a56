"""What arrays take is known before memory is taken for them."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from albar_mm.utils.arrays import read_npy, read_npz
from albar_mm.utils.errors import BadFileError


def header(shape, dtype='<f4'):
    stream = io.BytesIO()
    about = dict(descr=dtype, fortran_order=False, shape=shape)
    np.lib.format.write_array_header_1_0(stream, about)
    return stream.getvalue()


@pytest.mark.parametrize('mmap', [False, True])
@pytest.mark.parametrize('shape', [(2**45,), (3,), (1, 0), (2**31, 2**31)])
def test_an_array_of_another_size_than_its_header_says(tmp_path, shape, mmap):
    path = tmp_path / 'a.npy'
    path.write_bytes(header(shape) + b'\0' * 8)
    with pytest.raises(BadFileError, match=r'a.npy: cannot be read as an array: its header tells'):
        read_npy(path, mmap)
    path.write_bytes(header((2,)) + b'\0' * 8)
    assert read_npy(path, mmap).tolist() == [0, 0]


def test_arrays_that_would_fill_the_memory(tmp_path):
    """A few kilobytes of zeros unpack to as many megabytes."""
    path, size = tmp_path / 'bomb.npz', 64 << 20
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.npy', header((size,), '|u1') + bytes(size))
        archive.writestr('b.npy', header((2**40,), '|u1'))
        archive.writestr('c.npy', header((1,), '|u1') + b'7')
    assert path.stat().st_size < size // 500
    tracemalloc.start()
    try:
        with pytest.raises(BadFileError, match='its arrays take 64 MiB, at most 8 are expected'):
            read_npz(path, limit_mib=8)
        with pytest.raises(BadFileError, match='its header tells of 1099511627776 bytes'):
            read_npz(path, ['b'])
        assert read_npz(path, ['c', 'd'])['c'].tolist() == [55]
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
