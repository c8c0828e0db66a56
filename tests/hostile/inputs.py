"""Malformed files: what people, disks and attackers make of a valid one, drawn from a seed."""

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib

import numpy as np
import torch

from tests.pickled_call import Calls

MIB = 1 << 20


def _link(target):
    def change(path, content, chance):
        path.symlink_to(path.name if target is None else target)

    return change


def _huge(path, content, chance):
    with path.open('wb') as stream:
        stream.truncate(300 * MIB)  # takes no room on the disk


#: What any file may turn out to be. ``/proc/self/mem`` is a file that cannot be read, of root too.
ANY = dict(
    gone=lambda path, content, chance: None,
    empty=lambda path, content, chance: path.touch(),
    binary=lambda path, content, chance: path.write_bytes(b'\xff\x80' + chance.randbytes(2000)),
    folder=lambda path, content, chance: path.mkdir(),
    fifo=lambda path, content, chance: os.mkfifo(path),
    device=_link('/dev/zero'),
    loop=_link(None),
    dangling=_link('nowhere'),
    unreadable=_link('/proc/self/mem'),
    huge=_huge,
)


def _cut(path, content, chance):
    path.write_bytes(content[: int(len(content) * chance.uniform(0.3, 0.9))])


def _cut_line(path, content, chance):
    path.write_bytes(content.rstrip().rsplit(None, 1)[0])  # the last line lacks its last word


def _utf16(path, content, chance):
    path.write_text(content.decode(), encoding='utf-16')


def _latin1(path, content, chance):
    path.write_bytes(b'caf\xe9' + content)


def _nul(path, content, chance):
    path.write_bytes(content.replace(b'.', b'\0.', 1))


def _last_word(*words):
    def change(path, content, chance):
        kept = content.rstrip().rsplit(None, 1)[0]
        path.write_bytes(kept + b' ' + chance.choice(words).encode() + b'\n')

    return change


TEXT = dict(cut=_cut_line, utf16=_utf16, latin1=_latin1)
LIST = dict(
    TEXT,
    nul=_nul,
    label=_last_word('-1', '1.5', '1e20', 'nan', '9' * 400, '99999999999999999999', 'x'),
    elsewhere=lambda path, content, chance: path.write_bytes(b'../../victim.mp4 0\n'),
    no_list=lambda path, content, chance: path.write_bytes(b'{"a": [1, 2]}\n' * 3),
)


def _value(*values):
    """Put one of these at a place of a JSON file, or of the first row of JSON lines."""

    def change(path, content, chance, place):
        rows = content.decode().splitlines() if path.suffix == '.jsonl' else [content.decode()]
        row = json.loads(rows[-1])
        inner = row
        *folders, last = [int(key) if key.isdecimal() else key for key in place.split('|')]
        for key in folders:
            inner = inner[key]
        held = inner[last]
        other = [v for v in values if v in WILD or not isinstance(v, type(held))]
        inner[last] = chance.choice(other)
        path.write_text('\n'.join([*rows[:-1], json.dumps(row)]) + '\n')

    return change


def _renamed(path, content, chance, place):
    old = place.split('|')[1]
    path.write_text(content.decode().replace(json.dumps(old), json.dumps(chance.choice(OUTSIDE))))


WILD = NAN, INFINITE, HUGE = float('nan'), float('inf'), 10**400
OUTSIDE = ('../victim', '/tmp/victim', '..', 'a/../../victim', 'v\x01', 'x' * 300)
PLACES = dict(  # what may stand at a place of a JSON file that matters
    nan=_value(NAN),
    infinite=_value(INFINITE),
    long=_value(HUGE),
    type=_value('text', [], {}, [[1]], {'a': 1}),
    null=_value(None),
)
JSON = dict(
    cut=_cut,
    utf16=_utf16,
    latin1=_latin1,
    deep=lambda path, content, chance: path.write_text('[' * 200_000),
    deep_row=lambda path, content, chance: path.write_text('{"a":' * 100_000 + '1' + '}' * 100_000),
    other=lambda path, content, chance: path.write_text(chance.choice(['[1]', '3', '"a"', 'null'])),
)
TABLE = dict(
    utf16=_utf16,
    latin1=_latin1,
    cells=lambda path, content, chance: path.write_bytes(content + b'a,' * 40 + b'\n'),
    quote=lambda path, content, chance: path.write_bytes(content + b'"' + b'a,' * 200_000),
    header=lambda path, content, chance: path.write_bytes(b'x,y\n' + content.split(b'\n', 1)[1]),
)


def _saved(make):
    def change(path, content, chance):
        with path.open('wb') as stream:
            np.save(stream, make(np.load(io.BytesIO(content))), allow_pickle=True)

    return change


def _told(shape):
    """A header that tells of more than there is."""

    def change(path, content, chance):
        stream = io.BytesIO()
        header = dict(descr='<f4', fortran_order=False, shape=shape)
        np.lib.format.write_array_header_1_0(stream, header)
        path.write_bytes(stream.getvalue() + bytes(64))

    return change


ARRAY = dict(
    cut=_cut,
    header=_told((1 << 40, 32)),
    overflow=_told((1 << 62, 1 << 62)),
    objects=_saved(lambda array: np.array([dict(a=1)], object)),
    nan=_saved(lambda array: np.full_like(array, np.nan)),
    axes=_saved(lambda array: array[..., None, None]),
    nothing=_saved(lambda array: array[:0]),
    words=_saved(lambda array: np.array(['a', 'b'])),
    archive=lambda path, content, chance: _zip(path, {'a.npy': content}),
)


def _zip(path, members):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _bomb(path, content, chance):
    """Three MiB that unpack to three GiB, under the name of a member that is needed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = archive.namelist()[0]
    header = io.BytesIO()
    array = dict(descr='|b1', fortran_order=False, shape=(30_000, 320, 320))
    np.lib.format.write_array_header_1_0(header, array)
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        with archive.open(name, 'w', force_zip64=True) as member:
            member.write(header.getvalue())
            for _ in range(3000):
                member.write(bytes(1_024_000))


def _arrays(make):
    def change(path, content, chance):
        with np.load(io.BytesIO(content)) as held:
            arrays = {name: make(held[name]) for name in held.files}
        np.savez(path, **arrays)

    return change


ARCHIVE = dict(
    cut=_cut,
    objects=_arrays(lambda array: np.array([dict(a=1)], object)),
    other=lambda path, content, chance: np.savez(path, other=np.zeros(3)),
    words=_arrays(lambda array: np.array(['a', 'b', 'c'])),
    axes=_arrays(lambda array: array[None]),
    member=lambda path, content, chance: _zip(path, {'masks.npy': b'no array'}),
)


def _state(make):
    def change(path, content, chance):
        loaded = torch.load(io.BytesIO(content), weights_only=False)
        torch.save(make(loaded), path)

    return change


def _weights(make):
    return _state(lambda held: dict(held, state_dict=make(held['state_dict'])))


WEIGHTS = dict(
    cut=_cut,
    bare=_state(lambda held: torch.zeros(3)),
    list=_state(lambda held: [1, 2]),
    state_list=_weights(lambda state: list(state.values())),
    numbers=_weights(lambda state: dict(enumerate(state.values()))),
    words=_weights(lambda state: dict.fromkeys(state, 'text')),
    shapes=_weights(lambda state: {key: torch.zeros(3, 1, 4) for key in state}),
    nothing=_weights(lambda state: {}),
    none=_weights(lambda state: None),
    sparse=_weights(lambda state: {k: torch.zeros(v.shape).to_sparse() for k, v in state.items()}),
    code=_state(lambda held: dict(held, meta=Calls(print, 'ran'))),
    pickle=lambda path, content, chance: path.write_bytes(pickle.dumps(Calls(print, 'ran'))),
)
PICKLE = dict(
    cut=_cut,
    code=lambda path, content, chance: path.write_bytes(pickle.dumps(Calls(print, 'ran'))),
    list=lambda path, content, chance: path.write_bytes(pickle.dumps([1, [2]])),
    nan=lambda path, content, chance: path.write_bytes(pickle.dumps({'a': float('nan')})),
    deep=lambda path, content, chance: path.write_bytes(b']' * 100_000 + b'a' * 99_999 + b'.'),
)
VIDEO = dict(
    cut=_cut,
    zeros=lambda path, content, chance: path.write_bytes(bytes(len(content))),
    playlist=lambda path, content, chance: path.write_text('#EXTM3U\nhttp://127.0.0.1:9/a.ts\n'),
    concat=lambda path, content, chance: path.write_text('ffconcat version 1.0\nfile /etc/hosts\n'),
    page=lambda path, content, chance: path.write_text('<html>404</html>' * 100),
)
MODEL = dict(cut=_cut, page=lambda path, content, chance: path.write_text('<html>404</html>' * 100))


def _vast(path, content, chance):
    """A picture whose header tells of 60,000 by 60,000 pixels."""

    def chunk(kind, data):
        return (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        )

    head = chunk(b'IHDR', struct.pack('>IIBBBBB', 60_000, 60_000, 8, 2, 0, 0, 0))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + head + chunk(b'IDAT', b'') + chunk(b'IEND', b''))


IMAGE = dict(cut=_cut, vast=_vast, page=MODEL['page'])
CONFIG = dict(
    syntax=lambda path, content, chance: path.write_bytes(content + b'\na = (\n'),
    undefined=lambda path, content, chance: path.write_bytes(content + b'\na = nothing.b\n'),
    raises=lambda path, content, chance: path.write_bytes(content + b'\nraise KeyError("x")\n'),
    deep=lambda path, content, chance: path.write_text('a = ' + '(' * 5000),
    latin1=_latin1,
    utf16=_utf16,
)
BOMB = dict(bomb=_bomb)
KINDS = dict(
    text=TEXT,
    list=LIST,
    json=JSON,
    jsonl=JSON,
    table=TABLE,
    npy=ARRAY,
    npz=ARCHIVE,
    pth=WEIGHTS,
    pickle=PICKLE,
    video=VIDEO,
    onnx=MODEL,
    image=IMAGE,
    config=CONFIG,
)


def names(kind, places=()):
    """What can be done to a file of a kind, as ``'cut'`` or ``'nan@database|v1|fps'``."""
    found = [*ANY, *KINDS[kind], *(BOMB if kind == 'npz' else ())]
    found += [f'{name}@{place}' for place in places for name in PLACES]
    return found + [f'renamed@{place}' for place in places[:1] if place.startswith('database')]


def spoil(path, kind, name, chance):
    """Put a malformed file in the place of a valid one.

    Args:
        path: The valid file.
        kind: What it is, a key of ``KINDS``.
        name: What to do, one of :func:`names`.
        chance: ``random.Random``.
    """
    content = path.read_bytes()
    path.unlink()
    name, _, place = name.partition('@')
    if place:
        (_renamed if name == 'renamed' else PLACES[name])(path, content, chance, place)
    else:
        {**KINDS[kind], **BOMB, **ANY}[name](path, content, chance)
    shutil.rmtree(path.parent / '__pycache__', ignore_errors=True)
