"""``tools/strip_checkpoint.py`` at the command line."""

from albar_mm.compat import safe_load
from tests.engine.checkpoints.test_strip import save
from tests.in_process import run_tool
from tests.models.recognizers.sdn_toys import build


def test_a_run(call, tmp_path):
    save(build(), tmp_path / 'in.pth')
    assert call('strip_checkpoint', 'in.pth', 'out.pth') == (0, [])
    assert list(safe_load('out.pth')['state_dict']) == list(build('Recognizer3D').state_dict())
    assert call('strip_checkpoint', 'out.pth', 'again.pth') == (0, [])
    (tmp_path / 'folder').mkdir()
    for source, target, reason in (
        ('absent.pth', 'out.pth', 'checkpoint absent.pth: no such file'),
        ('in.pth', 'folder', 'folder: cannot be written: it is a folder;'),
        ('in.pth', 'in.pth/o.pth', 'in.pth/o.pth: cannot be written: in.pth is no folder;'),
    ):
        status, lines = call('strip_checkpoint', source, target)
        assert status == 1 and len(lines) == 1
        assert lines[0].startswith(f'strip_checkpoint.py: error: {reason}')


def test_what_it_prints(tmp_path):
    save(build(scene=dict(hidden_layers=0)), tmp_path / 'in.pth')
    done = run_tool('strip_checkpoint', 'in.pth', 'o.pth', folder=tmp_path)
    removed = ['removed sdn_scene_head.*: 2 tensors', 'removed sdn_mask_head.*: 9 tensors']
    assert done.returncode == 0 and done.stdout.splitlines()[-3:] == [*removed, 'o.pth']
