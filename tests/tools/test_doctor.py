"""``tools/doctor.py`` as a user runs it."""

import json
import os
import re
import subprocess
import sys

import pytest

from albar_mm import compat
from tests.in_process import TOOLS
from tests.processes import PATIENCE


@pytest.fixture
def doctor(tmp_path):
    """Run the tool as another user with another home, from a folder that is not ours."""
    home = tmp_path / 'houses' / 'jane'
    home.mkdir(parents=True)

    def run(*args, **env):
        clean = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
        clean |= dict(HOME=str(home), USER='jane', LOGNAME='jane', OMP_NUM_THREADS='1')
        words = [sys.executable, TOOLS / 'doctor.py', *map(str, args)]
        options = dict(capture_output=True, text=True, timeout=PATIENCE)
        return subprocess.run(words, cwd=home, env=clean | env, **options)

    run.home = home
    return run


def test_json_of_a_healthy_machine_and_config(doctor, toy_config):
    """Exit status 0; stdout is JSON alone; nobody is named."""
    config = doctor.home / 'toy.py'
    config.write_text(toy_config.read_text())
    done = doctor('--config', config, '--json')
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'checking video decoders' in done.stderr
    report = json.loads(done.stdout)
    assert report['ok'] is True
    assert not [p for p in report['problems'] if p['level'] == 'error']
    facts = report['facts']
    assert re.match(r'\d+\.\d+\.\d+ \(', facts['versions']['albar_mm'])
    assert {'python', 'torch', 'mmengine', 'mmaction2', 'numpy'} <= facts['versions'].keys()
    assert facts['video decoders']['opencv'].endswith('decodes')
    assert {'cores', 'RAM', 'torch built for', 'free disk (current folder)'} <= (
        facts['machine'].keys()
    )
    mends = facts['mends (albar_mm.compat)']
    assert mends['applied and needed here'] == ', '.join(compat.applied())
    assert mends['Python'].startswith(sys.version.split()[0])
    assert facts['config']['config'] == '~/toy.py'
    assert 'jane' not in done.stdout and str(doctor.home) not in done.stdout


def test_when_nothing_can_be_imported(doctor, tmp_path):
    """The doctor still speaks, names the cause, and fails."""
    broken = tmp_path / 'broken'
    broken.mkdir()
    (broken / 'torch.py').write_text('import os\nos.abort()')
    done = doctor('--config', 'any.py', PYTHONPATH=str(broken))
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == 'error: torch cannot be imported (crashed (SIGABRT))'
    assert lines[1] == '  fix: pip install --force-reinstall "torch"'
    assert any('whose torch hide the installed ones' in line for line in lines)
    assert '  fix: unset PYTHONPATH' in lines
    start = lines.index('```text')
    assert lines[-1] == '```' and 'any.py: not checked, as albar_mm cannot be imported' in lines
    block = '\n'.join(lines[start:])
    assert 'error: torch cannot be imported' in block and 'jane' not in block
