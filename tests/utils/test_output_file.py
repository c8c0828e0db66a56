"""Whether a result can be written is said before the work."""

import os
import re

import pytest

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import check_output


def test_a_new_folder_is_made_and_left_empty(tmp_path):
    check_output(tmp_path / 'new' / 'deep' / 'a.npz')
    assert list((tmp_path / 'new' / 'deep').iterdir()) == []
    (tmp_path / 'a.npz').write_text('old')
    check_output(tmp_path / 'a.npz')
    assert (tmp_path / 'a.npz').read_text() == 'old'


def test_places_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('x')
    for path, reason in (
        (tmp_path, 'it is a folder'),
        (tmp_path / 'file' / 'a.npz', f'{tmp_path}/file is no folder'),
        (tmp_path / 'file' / 'deep' / 'a.npz', 'Not a directory'),
    ):
        with pytest.raises(DatasetError, match=re.escape(f'{path}: cannot be written: {reason}')):
            check_output(path)

    def denied(*_, **__):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr('tempfile.TemporaryFile', denied)
    with pytest.raises(DatasetError, match='a.npz: cannot be written: Permission denied; free'):
        check_output(tmp_path / 'a.npz')
