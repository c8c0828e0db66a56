"""A pickle is a program: only data comes out of it, and nothing in it runs."""

import collections
import os
import pickle

import numpy as np
import pytest

from albar_mm.utils import safe_pickle
from albar_mm.utils.safe_pickle import load_restricted
from tests.pickled_call import Calls
from tests.refused import refused


def written(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_annotations_come_back(tmp_path, protocol):
    content = {
        'gttubes': {'Basketball/v_1': {0: [np.arange(10, dtype=np.float32).reshape(2, 5)]}},
        'labels': ['a', 'b'],
        'nframes': collections.OrderedDict(v=3),
        'sets': {1, 2},
        'scalar': np.int64(7),
        'shorts': np.array([[1, 2]], np.uint8),
        'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        'big': np.arange(3, dtype='>i4'),
        'flag': np.bool_(True),
        'none': None,
        'text': np.array(['x', 'yz']),
        'empty': np.zeros((0, 5)),
        'bytes': b'',
    }
    found = load_restricted(written(tmp_path / 'a.pkl', content, protocol))
    assert found.keys() == content.keys()
    np.testing.assert_equal(dict(found, gttubes=0), dict(content, gttubes=0))
    tube = found['gttubes']['Basketball/v_1'][0][0]
    assert tube.dtype == np.float32 and tube.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert found['fortran'].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_python_2_wrote_it(tmp_path):
    """Protocol 2 with byte strings, as Python 2's numpy pickles an array of two int64."""
    raw = (
        b'\x80\x02}q\x00U\x01aq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\n'
        b'q\x03K\x00\x85q\x04U\x01bq\x05\x87q\x06Rq\x07(K\x01K\x02\x85q\x08cnumpy\ndtype\nq\t'
        b'U\x02i8q\nK\x00K\x01\x87q\x0bRq\x0c(K\x03U\x01<q\rNNNJ\xff\xff\xff\xffJ\xff\xff\xff'
        b'\xffK\x00tq\x0eb\x89U\x10\x05\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00'
        b'\x00q\x0ftq\x10bs.'
    )
    (tmp_path / 'a.pkl').write_bytes(raw)
    assert load_restricted(tmp_path / 'a.pkl')['a'].tolist() == [5, 6]


def stack_global(module, name, argument):
    """``module.name(argument)`` in opcodes, for what pickle itself would not write."""
    texts = (b'\x8c' + bytes([len(text)]) + text for text in (module, name, argument))
    return b'\x80\x04%b%b\x93%b\x85R.' % tuple(texts)


@pytest.mark.parametrize('place', ['alone', 'in the annotations', 'as an argument'])
@pytest.mark.parametrize('kind', ['system', 'eval', 'exec', 'getattr', 'open', 'import', 'load'])
def test_nothing_runs(tmp_path, kind, place):
    mark = tmp_path / 'ran'
    evil = {
        'system': Calls(os.system, f'touch {mark}'),
        'eval': Calls(eval, f'open({str(mark)!r}, "w")'),
        'exec': Calls(exec, f'open({str(mark)!r}, "w")'),
        'getattr': Calls(getattr, 'x', 'join'),
        'open': Calls(open, str(mark), 'w'),
        'import': Calls(__import__, 'antigravity'),
        'load': Calls(np.load, str(mark)),
    }[kind]
    if place == 'in the annotations':
        evil = {'gttubes': {'v': {0: [np.zeros((1, 5)), evil]}}, 'labels': ['a']}
    elif place == 'as an argument':
        evil = Calls(dict, [('a', evil)])
    path = written(tmp_path / 'evil.pkl', evil)
    refused(r'evil.pkl: the pickle asks for \S+\.\w+, which anno', load_restricted, path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ('module', 'name'),
    [
        (b'builtins', b'eval'),
        (b'os', b'system'),
        (b'posix', b'system'),
        (b'builtins', b'type'),
        (b'collections', b'OrderedDict.__init__.__globals__'),
        (b'numpy', b'dtype.__init__'),
        (b'numpy', b'load'),
        (b'numpy.core.multiarray', b'fromfile'),
        (b'builtins', b'dict.fromkeys'),
    ],
)
def test_other_names_and_dotted_ones(tmp_path, module, name):
    (tmp_path / 'a.pkl').write_bytes(stack_global(module, name, b'1'))
    said = f'asks for {module.decode()}.{name.decode()}, which'
    refused(said, load_restricted, tmp_path / 'a.pkl')


def test_arrays_of_objects_and_structures(tmp_path):
    structured = np.zeros(2, [('a', 'i4')])
    for array in (np.array([{}, []], object), structured, np.zeros(1, 'M8[s]')):
        path = written(tmp_path / 'a.pkl', array)
        refused('a.pkl: cannot be read as a pickle of boxes', load_restricted, path)


@pytest.mark.parametrize('name', sorted(safe_pickle._NAMES))
def test_what_stands_for_a_name_cannot_be_changed(tmp_path, name):
    """BUILD sets attributes of what is on the stack, by two kinds of state."""
    module, _, last = name.rpartition('.')
    for state in (b'}U\x01xU\x01ys', b'N}U\x01xU\x01ys\x86'):
        raw = f'\x80\x02c{module}\n{last}\n'.encode('latin1') + state + b'b.'
        (tmp_path / 'a.pkl').write_bytes(raw)
        refused('cannot be read as a pickle of boxes', load_restricted, tmp_path / 'a.pkl')
    assert not hasattr(safe_pickle._NAMES[name], 'x')


def test_arrays_do_not_read_beyond_their_bytes(tmp_path):
    whole = pickle.dumps(np.arange(3, dtype='i8'), 2)
    assert whole.count(b'K\x03\x85') == 1
    made = Calls(np._core.multiarray.scalar, np.dtype('i8'), b'abc')
    for raw in (
        whole.replace(b'K\x03\x85', b'K\x7f\x85'),  # the shape (3,)
        pickle.dumps(made, 2),
        pickle.dumps(Calls(np.dtype, 'O8'), 2),
        pickle.dumps(Calls(np._core.multiarray._reconstruct, np.ndarray, (0,), b'b'), 2),
        pickle.dumps({Calls(np.dtype, 'f8'): 1}, 2),  # a key would not become a real dtype
    ):
        (tmp_path / 'a.pkl').write_bytes(raw)
        refused('a.pkl: cannot be read as a pickle of boxes', load_restricted, tmp_path / 'a.pkl')


@pytest.mark.parametrize(
    'raw',
    [
        b'',
        b'\x80\x02}',
        b'no pickle at all',
        b'\x80\x02P1\n.',
        b'\x80\x63.',
        b'\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.',
    ],
)
def test_broken_ones(tmp_path, raw):
    (tmp_path / 'a.pkl').write_bytes(raw)
    refused(r'^\S+a.pkl: ', load_restricted, tmp_path / 'a.pkl')


def test_no_file(tmp_path):
    refused('a.pkl: no such file', load_restricted, tmp_path / 'a.pkl')
