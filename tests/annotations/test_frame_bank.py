"""The file of a frame bank: what goes in comes back, with the same bytes; bad files are named."""

import os
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest

from albar_mm.annotations.frame_bank import FrameBank, load_frame_bank, save_frame_bank
from tests.pickled_call import Calls
from tests.refused import refused


def bank(count=3, **changes):
    rng = np.random.default_rng(0)
    made = FrameBank(
        rng.integers(0, 256, (count, 4, 6, 3), np.uint8),
        np.linspace(0, 1, count, dtype=np.float32),
        np.array([f'wave/#é ({i}).avi#{i}' for i in range(count)]),
        51,
        dict(window=[0.1, 1.0], left_out=[], counts=dict(frames=count)),
    )
    return replace(made, **changes)


def test_comes_back_and_has_the_same_bytes(tmp_path):
    path = save_frame_bank(tmp_path / 'new' / 'a.npz', bank())
    found = load_frame_bank(path)
    assert np.array_equal(found.frames, bank().frames) and found.frames.dtype == np.uint8
    assert np.array_equal(found.probability, bank().probability)
    assert found.source.tolist() == bank().source.tolist()
    assert (found.num_classes, dict(found.info), len(found)) == (51, bank().info, 3)
    os.utime(path, (0, 0))
    again = save_frame_bank(tmp_path / 'b.npz', bank(info=dict(reversed(bank().info.items()))))
    assert again.read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ['b.npz', 'new']


F32, ZEROS = np.float32, np.zeros((3, 4, 6, 3), np.uint8)
WRONG = {
    r'frames must be uint8 of shape \(M, H, W, 3\).*got float32': dict(frames=ZEROS.astype(F32)),
    r'frames must be .*got uint8 of shape \(3, 4, 6\)': dict(frames=ZEROS[..., 0]),
    r'frames must be .*got uint8 of shape \(0, 4, 6, 3\)': dict(frames=ZEROS[:0]),
    r'probability must be float32 of shape \(3,\), got float64': dict(probability=np.zeros(3)),
    r'probability must be .* got float32 of shape \(2,\)': dict(probability=np.zeros(2, F32)),
    r'probability must be in \[0, 1\], got nan for wave': dict(probability=F32([0, np.nan, 1])),
    r'probability must be in \[0, 1\], got 1.5': dict(probability=F32([0, 1.5, 1])),
    r'source must be unicode of shape \(3,\), got int64': dict(source=np.arange(3)),
    'num_classes must be >= 2, got 1': dict(num_classes=1),
}


@pytest.mark.parametrize('message', WRONG)
def test_wrong_content_is_neither_written_nor_read(tmp_path, message):
    wrong = bank(**WRONG[message])
    with pytest.raises(ValueError, match=rf'frame bank \S+/a.npz: {message}'):
        save_frame_bank(tmp_path / 'a.npz', wrong)
    assert not list(tmp_path.iterdir())
    np.savez(tmp_path / 'a.npz', **dict(vars(wrong), info='{}'))
    with pytest.raises(ValueError, match=rf'frame bank \S+/a.npz: {message}'):
        load_frame_bank(tmp_path / 'a.npz')


def test_other_files_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = save_frame_bank('good.npz', bank()).read_bytes()
    fields = dict(np.load('good.npz'))
    place = good.index(fields['frames'].tobytes())
    np.savez_compressed('whole.npz', **fields)
    small = (tmp_path / 'whole.npz').read_bytes()
    for name, content in dict(
        cut=good[: len(good) // 2],
        text=b'no archive',
        empty=b'',
        flipped=good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :],  # fails the checksum
        shrunk=small[:90] + b'\xff' * 20 + small[110:],
        pickle=pickle.dumps(Calls(os.mkdir, 'ran')),
    ).items():
        (tmp_path / f'{name}.npz').write_bytes(content)
    with open('single.npz', 'wb') as stream:
        np.save(stream, np.zeros(3))
    np.savez('objects.npz', **dict(fields, source=np.array([Calls(os.mkdir, 'ran')] * 3, object)))
    np.savez('keys.npz', **{k: v for k, v in fields.items() if k != 'source'})
    np.savez('list.npz', **dict(fields, info='[1]'))
    np.savez('json.npz', **dict(fields, info='{'))
    np.savez('bytes.npz', **dict(fields, info=np.zeros(2)))
    np.savez('half.npz', **dict(fields, num_classes=51.5))
    says = dict(
        **dict.fromkeys(('cut', 'text', 'empty', 'flipped', 'shrunk', 'pickle'), 'cannot be read'),
        absent='no such file',
        single='cannot be read as arrays: File is not a zip file',
        objects='cannot be read as arrays: .*Python objects',
        keys="'source' is missing",
        list='info: expected a JSON object, got list',
        json='info: is no JSON',
        bytes='info must be .* float64',
        half='num_classes must be a whole number, got float64',
    )
    for name, text in says.items():
        said = rf'^frame bank {re.escape(name)}.npz: {text}'
        refused(said, load_frame_bank, f'{name}.npz', error=ValueError)
    assert not (tmp_path / 'ran').exists()
    with pytest.raises(ValueError, match=r'frame bank a.npy: the name must end in .npz'):
        save_frame_bank('a.npy', bank())
