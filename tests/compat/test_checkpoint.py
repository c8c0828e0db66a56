"""Checkpoints stay data, and a run that dies at any moment leaves a whole one."""

import contextlib
import os
import pickle
import socket
import threading
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer, MessageHub, MMLogger

from albar_mm import compat
from albar_mm.compat import checkpoint, safe_load
from albar_mm.utils import safe_pickle
from albar_mm.utils.errors import CheckpointError
from tests.pickled_call import Calls
from tests.refused import refused

HISTORY = b'cmmengine.logging.history_buffer\nHistoryBuffer\n'


def saved(tmp_path, obj, name='x.pth'):
    path = tmp_path / name
    torch.save(obj, path)
    return path


def _rewrite_pickle(path: Path, change) -> None:
    """Change the pickle in a torch file."""
    with zipfile.ZipFile(path) as file:
        content = {info.filename: file.read(info) for info in file.infolist()}
    with zipfile.ZipFile(path, 'w') as file:
        for name, data in content.items():
            file.writestr(name, change(data) if name.endswith('data.pkl') else data)


def test_safe_load_of_what_mmengine_writes(tmp_path):
    history = HistoryBuffer([1.5, 2.5], [1, 1])
    original = dict(
        state_dict=OrderedDict(w=torch.arange(3.0)),
        meta=dict(epoch=2, iter=7, dataset_meta=dict(classes=('a', 'b'))),
        message_hub=dict(
            log_scalars=OrderedDict({'train/loss': history}),
            runtime_info=OrderedDict(best=np.float32(0.5), step=np.int64(3)),
        ),
        arrays=[np.arange(6.0).reshape(2, 3), np.asfortranarray(np.eye(3, 2, dtype='>i4'))],
        nested=(np.array(['ab', 'c']), dict(empty=np.zeros((0, 4), np.uint8), flag=np.bool_(True))),
        dtype=np.dtype('float32'),
    )
    loaded = compat.safe_load(saved(tmp_path, original))
    assert torch.equal(loaded['state_dict']['w'], torch.arange(3.0))
    assert loaded['meta'] == original['meta']
    buffer = loaded['message_hub']['log_scalars']['train/loss']
    assert type(buffer) is HistoryBuffer
    assert buffer.statistics('mean') == 2.0 and buffer.statistics('max') == 2.5
    buffer.update(3.5)
    assert buffer.current() == 3.5
    runtime = loaded['message_hub']['runtime_info']
    assert runtime == dict(best=0.5, step=3) and type(runtime['best']) is np.float32
    for new, old in zip(loaded['arrays'], original['arrays'], strict=True):
        np.testing.assert_array_equal(new, old)
        assert new.dtype == old.dtype and new.flags.writeable
    assert loaded['nested'][0].tolist() == ['ab', 'c']
    assert loaded['nested'][1]['empty'].shape == (0, 4) and loaded['nested'][1]['flag']
    assert loaded['dtype'] == np.float32
    # a second save and load gives the same again: no stand-in is left in what was loaded
    again = compat.safe_load(saved(tmp_path, loaded, 'again.pth'))
    assert type(again['message_hub']['log_scalars']['train/loss']) is HistoryBuffer
    assert b'albar_mm' not in pickle.dumps(again)


def test_numpy_1_names_of_globals(tmp_path):
    """Published checkpoints were written with numpy 1 (``numpy.core``)."""

    def older(data):
        assert b'numpy._core' in data or b'numpy.core' in data
        return data.replace(b'numpy._core', b'numpy.core')

    path = saved(tmp_path, dict(a=np.arange(4), s=np.float64(2.5)))
    _rewrite_pickle(path, older)
    loaded = compat.safe_load(path)
    assert loaded['a'].tolist() == [0, 1, 2, 3] and loaded['s'] == 2.5


@pytest.mark.parametrize('name', ['OneCycleLR', 'MultiStepLR', 'ReduceOnPlateauLR'])
def test_schedulers_load(tmp_path, name):
    from mmaction.registry import PARAM_SCHEDULERS

    args = dict(OneCycleLR=dict(eta_max=0.1, total_steps=9), MultiStepLR=dict(milestones=[2, 4]))
    args = args.get(name, dict(monitor='loss'))
    optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1, momentum=0.9)
    scheduler = PARAM_SCHEDULERS.get(name)(optimizer, **args)
    state = scheduler.state_dict()
    assert compat.safe_load(saved(tmp_path, [state])) == [state]


@pytest.mark.parametrize(
    ('payload', 'named'),
    [
        (b'\x80\x02cbuiltins\ngetattr\ncos\nsystem\nX\x01\x00\x00\x00x\x86R.', 'os'),
        # what the stand-in hands out are values of a table, never called by the file
        (b'\x80\x02cbuiltins\ngetattr\n' + HISTORY + b'X\x03\x00\x00\x00min\x86R(tR.', ''),
        (Calls(eval, '1+1'), 'eval'),
        (Calls(os.system, 'true'), 'system'),
        (Calls(getattr, 'text', 'upper'), "getattr('text', 'upper')"),
        (Calls(getattr, HistoryBuffer, '__init__'), "'__init__'"),
        (Calls(getattr, HistoryBuffer, '__subclasses__'), "'__subclasses__'"),
        (Calls(getattr, torch.Tensor, 'storage'), "'storage'"),
        (Calls(getattr, HistoryBuffer, 'min', 'max'), ''),
        (np.array([1, 'x'], dtype=object), 'numpy.dtype'),
        (np.zeros(2, dtype=[('a', 'f4')]), 'numpy.dtype'),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else '',
)
def test_safe_load_refuses(tmp_path, payload, named):
    path = saved(tmp_path, dict(state_dict={} if isinstance(payload, bytes) else payload))
    if isinstance(payload, bytes):
        _rewrite_pickle(path, lambda _: payload)
    said = refused('x.pth', compat.safe_load, path, error=compat.CheckpointError)
    assert str(path) in said and named in said


def test_structured_dtype_state_is_refused(tmp_path):
    """``numpy.dtype.__setstate__`` would believe flags that make numpy read bytes as pointers."""
    plain = np.dtype('V8')
    crafted = np.dtype('V8').newbyteorder('=')
    crafted.__setstate__((3, '|', None, ('a',), {'a': (np.dtype('O'), 0)}, 8, 1, 0))
    assert not plain.hasobject and not crafted.hasobject  # numpy itself is fooled
    path = saved(tmp_path, Calls(np.dtype, 'V8', False, True))
    refused('V8', compat.safe_load, path, error=compat.CheckpointError)
    for state in ((3, '|', None, ('a',), {'a': 1}, 8, 1, 0), (3, '<')):
        stand_in = safe_pickle.Dtype('f8')
        refused('numpy.dtype', stand_in.__setstate__, state, error=pickle.UnpicklingError)


def test_history_buffer_takes_no_functions_from_a_file(tmp_path):
    history = HistoryBuffer([1.0], [1])
    history.__dict__['statistics_methods'] = {}
    path = saved(tmp_path, history)
    before = dict(HistoryBuffer._statistics_methods)
    try:
        HistoryBuffer._statistics_methods['mean'] = torch.Size  # allowed as a global by PyTorch
        crafted = saved(tmp_path, HistoryBuffer([1.0], [1]), 'crafted.pth')
    finally:
        HistoryBuffer._statistics_methods.clear()
        HistoryBuffer._statistics_methods.update(before)
    assert compat.safe_load(path).mean() == 1
    assert compat.safe_load(crafted).statistics('mean') == 1
    assert HistoryBuffer._statistics_methods == before


def test_safe_load_with_users_own_allow_list(tmp_path):
    """Globals allowed elsewhere, as the web advises, neither hinder nor vanish."""
    path = saved(tmp_path, dict(h=HistoryBuffer([1.0], [1]), a=np.arange(2)))
    mine = [HistoryBuffer, np.ndarray, np.dtype, (getattr, 'builtins.getattr')]
    before = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals(mine):
        assert compat.safe_load(path)['a'].tolist() == [0, 1]
        assert set(torch.serialization.get_safe_globals()) == before | set(mine)
        evil = saved(tmp_path, Calls(getattr, 'text', 'upper'), 'evil.pth')
        refused('getattr', compat.safe_load, evil, error=compat.CheckpointError)
    assert set(torch.serialization.get_safe_globals()) == before


def test_damaged_and_missing_files(tmp_path):
    whole = saved(tmp_path, dict(w=torch.ones(1000))).read_bytes()
    content = dict(cut=whole[:500], text=b'hello world', none=b'', notes=b'garbage\n')
    for name, data in content.items():
        path = tmp_path / f'{name}.pth'
        path.write_bytes(data)
        match = f'{path} cannot be read'
        if name == 'notes':  # no advice to load a file of another kind as code
            match += r' .*\(UnpicklingError: Unsupported operand'
        refused(match, compat.safe_load, path, error=compat.CheckpointError)
    with pytest.raises(FileNotFoundError):
        compat.safe_load(tmp_path / 'gone.pth')


def test_config_text_in_a_checkpoint_is_not_run(tmp_path):
    """``Runner.resume`` executes ``meta['config']`` as Python."""
    trap = tmp_path / 'trap'
    path = saved(tmp_path, dict(meta=dict(epoch=1, config=f'open({str(trap)!r}, "w")')))
    from mmengine.runner import CheckpointLoader

    loaded = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    assert loaded['meta'] == dict(epoch=1) and not trap.exists()


def test_downloads_are_loaded_as_data(tmp_path, monkeypatch):
    from mmengine.runner import CheckpointLoader

    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    torch.save(dict(state_dict=dict(w=torch.ones(1))), folder / 'good.pth')
    torch.save(Calls(eval, '1'), folder / 'evil.pth')
    loaded = CheckpointLoader.load_checkpoint('https://example.org/good.pth', map_location='cpu')
    assert loaded['state_dict']['w'] == 1
    with pytest.raises(compat.CheckpointError, match='eval'):
        CheckpointLoader.load_checkpoint('https://example.org/evil.pth')


@contextlib.contextmanager
def server(answer):
    """Address of a file on a server that sends ``answer`` to one request, and then waits."""
    with socket.create_server(('127.0.0.1', 0)) as listening, contextlib.ExitStack() as held:

        def serve():
            connection = held.enter_context(listening.accept()[0])
            connection.recv(65536)
            connection.sendall(answer)
            if answer:
                connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{listening.getsockname()[1]}/w.pth'
        thread.join(10)


@pytest.mark.parametrize(
    'answer, said',
    [
        (b'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'HTTP Error 404: Not Found'),
        (b'', 'timed out'),
        (b'nonsense\r\n\r\n', 'nonsense'),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nonly this', None),
    ],
    ids=['absent', 'silent', 'no-server', 'broken-off'],
)
def test_what_cannot_be_downloaded_is_named_and_the_way_round(tmp_path, monkeypatch, answer, said):
    from mmengine.runner import CheckpointLoader

    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(checkpoint, 'SILENCE_S', 0.5)
    monkeypatch.setattr('urllib.request.getproxies', dict)
    with server(answer) as url:
        load = CheckpointLoader.load_checkpoint
        text = refused('w.pth', load, url, error=compat.CheckpointError)
    assert socket.getdefaulttimeout() is None
    if said:
        rest = 'fetch it where there is a network, and name the file in place of the address'
        assert text == f'{url} cannot be downloaded ({said}): {rest}'
    else:  # the next run would load what came
        kept = tmp_path / 'hub' / 'checkpoints' / 'w.pth'
        assert kept.read_bytes() == b'only this' and text.startswith(f'{url} cannot be read')
        assert text.endswith(f'the downloaded file is {kept}: delete it first')


def test_checkpoints_are_written_whole(tmp_path, monkeypatch):
    from mmengine.runner import save_checkpoint

    path = tmp_path / 'epoch_1.pth'
    save_checkpoint(dict(w=torch.ones(2)), str(path))
    before = path.read_bytes()
    monkeypatch.setattr(os, 'replace', mock.Mock(side_effect=OSError('disk full')))
    match = 'epoch_1.pth: cannot be written: disk full'
    refused(match, save_checkpoint, dict(w=torch.zeros(2)), str(path), error=OSError)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['epoch_1.pth']


class Died(BaseException):
    """Stands for the moment at which a process is killed."""


class Run(SimpleNamespace):
    """As much of a runner as CheckpointHook looks at."""

    def __init__(self, folder):
        log = dict(
            logger=MMLogger.get_current_instance(), message_hub=MessageHub(f'files_{folder}')
        )
        super().__init__(work_dir=str(folder), epoch=0, iter=0, dies=False, **log)

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        if self.dies:
            raise Died
        (Path(out_dir) / filename).write_text('whole')


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saving(tmp_path):
    run = Run(tmp_path)
    hook = CheckpointHook(interval=1, max_keep_ckpts=1, save_best='acc', rule='greater')
    hook.before_train(run)
    return run, hook


def epoch(run, hook, score=None):
    run.message_hub.update_info('x', 0)
    hook.after_train_epoch(run)
    run.epoch += 1
    if score is not None:
        hook.after_val_epoch(run, dict(acc=score))


def test_the_only_checkpoint_goes_when_the_next_is_there(saving, tmp_path):
    run, hook = saving
    epoch(run, hook)
    run.dies = True
    with pytest.raises(Died):
        epoch(run, hook)
    assert files(tmp_path) == ['epoch_1.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_1.pth')


def test_old_ones_are_removed(saving, tmp_path):
    run, hook = saving
    for score in (1, 2, 2, 3):
        epoch(run, hook, score)
    assert files(tmp_path) == ['best_acc_epoch_4.pth', 'epoch_4.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_4.pth')


def test_the_best_goes_when_the_better_is_there(saving, tmp_path):
    run, hook = saving
    epoch(run, hook, 1)
    epoch(run, hook)
    run.dies = True
    with pytest.raises(Died):
        hook.after_val_epoch(run, dict(acc=2))
    assert 'best_acc_epoch_1.pth' in files(tmp_path)
    # a resumed run validates that epoch again, to the same name: it must not remove what it wrote
    run.dies = False
    hook.best_ckpt_path = str(tmp_path / 'best_acc_epoch_2.pth')
    (tmp_path / 'best_acc_epoch_2.pth').write_text('of the killed run')
    hook.after_val_epoch(run, dict(acc=3))
    assert (tmp_path / 'best_acc_epoch_2.pth').read_text() == 'whole'


def test_last_checkpoint_is_never_empty(saving, tmp_path, monkeypatch):
    run, hook = saving
    epoch(run, hook)
    monkeypatch.setattr(os, 'replace', mock.Mock(side_effect=Died))
    with pytest.raises(Died):
        epoch(run, hook)
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_1.pth')


def test_records_that_would_unpack_to_any_size(tmp_path):
    torch.save(dict(state_dict=dict(a=torch.zeros(1 << 20))), tmp_path / 'a.pth')
    with (
        zipfile.ZipFile(tmp_path / 'a.pth') as plain,
        zipfile.ZipFile(tmp_path / 'b.pth', 'w', zipfile.ZIP_DEFLATED) as packed,
    ):
        for record in plain.infolist():
            packed.writestr(record.filename, plain.read(record))
    assert safe_load(tmp_path / 'a.pth')['state_dict']['a'].sum() == 0
    with pytest.raises(CheckpointError, match='b.pth: .* its records are compressed'):
        safe_load(tmp_path / 'b.pth')


def test_no_pipe_and_no_folder_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'pipe.pth')
    with pytest.raises(CheckpointError, match='pipe.pth: .* it is a pipe or a device, not a file'):
        safe_load(tmp_path / 'pipe.pth')
    with pytest.raises(CheckpointError, match='it is a folder, not a file'):
        safe_load(tmp_path)
    with pytest.raises(FileNotFoundError, match='none.pth: no such file'):
        safe_load(tmp_path / 'none.pth')
