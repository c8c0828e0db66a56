"""Files are read checked and written whole, and every error names the file and the line."""

import json
import multiprocessing
import os
import re
import stat

import numpy as np
import pytest

from albar_mm.utils import arrays, files
from albar_mm.utils.errors import BadFileError, MissingFileError, WriteError
from tests.refused import refused

BOM = b'\xef\xbb\xbf'


def made(tmp_path, data, name='given.txt'):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    'data, lines',
    [
        (b'a\nb\n', ['a', 'b']),
        (BOM + b'a\r\nb', ['a', 'b']),
        (b'', []),
        (b'\n\n', ['', '']),
        # these break lines for str.splitlines, but may stand in the name of a video
        ('a\x0b\x0c\x1c\x85\u2028b\n'.encode(), ['a\x0b\x0c\x1c\x85\u2028b']),
    ],
)
def test_lines_end_at_line_feeds_alone(tmp_path, data, lines):
    assert files.read_lines(made(tmp_path, data)) == lines


def test_filled_lines_name_their_place(tmp_path):
    path = made(tmp_path, b'a 0\n\n  \n b 1 \n')
    assert list(files.filled_lines(path)) == [(f'{path}:1', 'a 0'), (f'{path}:4', 'b 1')]


@pytest.mark.parametrize(
    'read, data, message',
    [
        (files.read_text, b'good\nb\xe4d\n', r'given\.txt:2: is no UTF-8 text'),
        (files.read_json, b'{"a": 1,\n}', r'given\.txt:2: is no JSON: .*column 1'),
        (files.read_json, b'[1]', r'given\.txt: expected a JSON object, got list'),
        (files.read_json, b'[' * 100_000, r'given\.txt: is no JSON: it is nested too deeply'),
        (files.read_json, b'1' * 5000, r'given\.txt: is no JSON: .*integer string'),
        (files.read_json_lines, b'{"a": 1}\n\n{"b"}\n', r'given\.txt:3: is no JSON'),
        (files.read_json_lines, b'{"a": 1}\n7\n', r'given\.txt:2: expected a JSON object'),
        (files.read_json_lines, b'{}\n{"a": "\xff"}\n', r'given\.txt:2: is no UTF-8'),
        (arrays.read_npy, b'no array', r'given\.txt: cannot be read as an array'),
        (arrays.read_npz, b'PK\x03\x04 broken', r'given\.txt: cannot be read as arrays'),
        (files.read_csv, b'', r'given\.txt: cannot be read as a table: No columns'),
        (files.read_csv, b'a,b\n1,2,3\n4,5\n', r'given\.txt: .*'),
    ],
)
def test_what_is_wrong_and_where(tmp_path, read, data, message):
    path = made(tmp_path, data)
    assert str(tmp_path) in refused(message, lambda: list(read(path)), error=BadFileError)


@pytest.mark.parametrize('read', [files.read_text, files.read_json, arrays.read_npz])
def test_only_regular_files_of_bearable_size(tmp_path, read):
    """A named pipe would wait for ever, a device never end."""
    os.mkfifo(tmp_path / 'pipe')
    for path, what in ((tmp_path / 'pipe', 'a pipe'), (tmp_path, 'a folder'), ('/dev/zero', 'a')):
        refused(f'{re.escape(str(path))}: .*it is {what}', read, path, error=BadFileError)
    refused('gone.txt: no such file', read, tmp_path / 'gone.txt', error=MissingFileError)


def test_size_limits(tmp_path):
    path = made(tmp_path, b'{"a": "' + b'x' * 2000 + b'"}')
    with pytest.raises(BadFileError, match=r'it has 0 MiB, at most 0\.001 are expected'):
        files.read_text(path, limit_mib=0.001)
    with pytest.raises(BadFileError, match=r':1: is longer than 0\.001 MiB'):
        list(files.read_json_lines(path, longest_mib=0.001))
    assert len(list(files.read_json_lines(path))) == 1


def test_no_pickle_is_loaded(tmp_path):
    path = tmp_path / 'objects.npy'
    np.save(path, np.array([{}], object), allow_pickle=True)
    refused('it holds Python objects', arrays.read_npy, path, error=BadFileError)
    np.savez(tmp_path / 'objects.npz', a=np.array([{}], object))
    refused(
        'it holds Python objects', arrays.read_npz, tmp_path / 'objects.npz', error=BadFileError
    )


def test_tables(tmp_path):
    path = made(tmp_path, BOM + b'id, name ,n\r\n007,"a, b",\n\n008,NA,3\n')
    rows = list(files.read_csv(path, ['id', 'name']))
    assert rows == [
        (f'{path}:2', {'id': '007', 'name': 'a, b', 'n': ''}),
        (f'{path}:4', {'id': '008', 'name': 'NA', 'n': '3'}),
    ]
    with pytest.raises(BadFileError, match='no column label; it has id, name, n'):
        list(files.read_csv(path, ['label']))
    bare = made(tmp_path, b'x,1\ny\n', 'bare.csv')
    rows = [row for _, row in files.read_csv(bare, ['a', 'b'], header=False)]
    assert rows == [dict(a='x', b='1'), dict(a='y', b='')]


def test_what_is_written_is_read(tmp_path):
    folder = tmp_path / 'new' / 'folder'
    files.write_json(folder / 'a.json', {'ä': [1, None]})
    assert files.read_json(folder / 'a.json') == {'ä': [1, None]}
    files.write_json_lines(folder / 'a.jsonl', [{'a': 1}, {'b': 'ä'}])
    assert [row for _, row in files.read_json_lines(folder / 'a.jsonl')] == [{'a': 1}, {'b': 'ä'}]
    files.write_csv(folder / 'a.csv', [{'a': 1, 'b': 'x,y'}])
    assert (folder / 'a.csv').read_text() == 'a,b\n1,"x,y"\n'
    path = made(tmp_path, json.dumps([1, 'a']).encode())  # of any kind
    assert files.read_json(path, list) == files.read_json(path, object) == [1, 'a']
    array = np.arange(6, dtype='float16').reshape(2, 3)
    arrays.write_npy(folder / 'a.npy', array)
    arrays.write_npz(folder / 'a.npz', dict(x=array, y=array[0]))
    assert np.array_equal(arrays.read_npy(folder / 'a.npy', mmap=True), array)
    assert list(arrays.read_npz(folder / 'a.npz', ['y', 'z'])) == ['y']
    before = os.umask(0o027)
    try:
        files.write_text(folder / 'private.txt', 'x')
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / 'private.txt').stat().st_mode) == 0o640
    names = {'a.json', 'a.jsonl', 'a.csv', 'a.npy', 'a.npz', 'private.txt'}
    assert {path.name for path in folder.iterdir()} == names


def test_nothing_half_written(tmp_path):
    path = made(tmp_path, b'before')
    with pytest.raises(KeyboardInterrupt), files.whole_file(path) as part:
        part.write_bytes(b'half')
        raise KeyboardInterrupt
    assert path.read_bytes() == b'before' and list(tmp_path.iterdir()) == [path]
    with pytest.raises(WriteError, match=r'given\.txt/a: cannot be written: .*then run again$'):
        files.write_text(path / 'a', 'x')


def _killed_while_writing(path):
    with files.whole_file(path) as part:
        part.write_bytes(b'half')
        os._exit(9)


def test_leftovers_of_a_killed_process_are_cleared(tmp_path, monkeypatch):
    """Those that another process still writes stay."""
    monkeypatch.setattr(files, '_cleared', set())
    given = dict(target=_killed_while_writing, args=(tmp_path / 'a.json',))
    process = multiprocessing.get_context('fork').Process(**given)
    process.start()
    process.join()
    assert len(list(tmp_path.iterdir())) == 1
    foreign = made(tmp_path, b'', '.somebody.part.zip')
    files.write_text(tmp_path / 'b.txt', 'x')
    assert set(tmp_path.iterdir()) == {foreign, tmp_path / 'b.txt'}
    monkeypatch.setattr(files, '_cleared', set())
    with files.whole_file(tmp_path / 'c.txt') as part:
        part.write_text('c')
        files._cleared.clear()
        files.write_text(tmp_path / 'd.txt', 'd')
        assert part.exists()


def test_outputs_are_tried_before_the_work(tmp_path):
    files.check_output(tmp_path / 'new' / 'out.json')
    assert list((tmp_path / 'new').iterdir()) == []
    refused('it is a folder', files.check_output, tmp_path, error=WriteError)
    blocked = made(tmp_path, b'') / 'out.json'
    refused(r'out\.json: cannot be written: .*is no folder', files.check_output, blocked)


def test_linked_folders_are_searched_once_and_dangling_links_are_files(tmp_path):
    """tmp/a/z, tmp/a/link -> tmp/outside, tmp/a/back -> tmp/a, tmp/a/b -> z (a real one below)."""
    root, outside = tmp_path / 'a', tmp_path / 'outside'
    for folder in (root / 'z', outside / 'deep'):
        folder.mkdir(parents=True)
        (folder / 'v.mp4').touch()
    for name, target in {'link': outside, 'back': root, 'b': 'z', 'x.mp4': 'nowhere'}.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / 'pipe.mp4')
    found = sorted(path.relative_to(root).as_posix() for path in files.files_below(root))
    assert found == ['link/deep/v.mp4', 'pipe.mp4', 'x.mp4', 'z/v.mp4']
    refused('none: cannot be searched: No such', lambda: list(files.files_below(tmp_path / 'none')))
