"""``tools/strip_checkpoint.py`` at the command line."""

import subprocess
import sys

from albar_mm.compat import safe_load
from tests.engine.checkpoints.test_strip import save
from tests.in_process import TOOLS
from tests.models.recognizers.sdn_toys import build


def test_a_run(call, tmp_path, capfd):  # noqa: F811
    save(build(), tmp_path / 'in.pth')
    assert call('strip_checkpoint', 'in.pth', 'out.pth') == (0, [])
    assert list(safe_load('out.pth')['state_dict']) == list(build('Recognizer3D').state_dict())
    assert call('strip_checkpoint', 'out.pth', 'again.pth') == (0, [])
    status, lines = call('strip_checkpoint', 'absent.pth', 'out.pth')
    assert status == 1 and lines == [
        'strip_checkpoint.py: error: absent.pth: no such checkpoint file'
    ]
    (tmp_path / 'folder').mkdir()
    for target, reason in (('folder', 'it is a folder'), ('in.pth/o.pth', 'in.pth is no folder')):
        status, lines = call('strip_checkpoint', 'in.pth', target)
        assert status == 1 and len(lines) == 1
        assert lines[0].startswith(
            f'strip_checkpoint.py: error: {target}: cannot be written: {reason};'
        )


def test_what_it_prints(tmp_path, capfd, monkeypatch):
    from tests.in_process import tool

    save(build(scene=dict(hidden_layers=0)), tmp_path / 'in.pth')
    assert tool('strip_checkpoint').main([str(tmp_path / 'in.pth'), str(tmp_path / 'o.pth')]) == 0
    assert capfd.readouterr().out.splitlines()[-3:] == [
        'removed sdn_scene_head.*: 2 tensors',
        'removed sdn_mask_head.*: 9 tensors',
        str(tmp_path / 'o.pth'),
    ]


def test_help():
    command = [sys.executable, '-X', 'importtime', TOOLS / 'strip_checkpoint.py', '--help']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and 'examples:' in done.stdout and '--debug' in done.stdout
    assert '| torch' not in done.stderr
