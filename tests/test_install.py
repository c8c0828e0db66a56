"""What an installed copy holds, and that it finds its configs."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command, cwd=None, **env):
    given = dict(cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)
    done = subprocess.run([str(part) for part in command], **given)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def sources(folder, pattern):
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob(pattern)
        if '__pycache__' not in path.parts
    }


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """A wheel built from a copy of the tracked folders (the repository stays clean)."""
    if importlib.util.find_spec('setuptools') is None:
        pytest.skip('setuptools, which builds the wheel, is not installed here')
    folder = tmp_path_factory.mktemp('wheel')
    copy = folder / 'source'
    ignored = shutil.ignore_patterns('__pycache__', '*.egg-info')
    for name in 'albar_mm downstream configs tools requirements'.split():
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in 'setup.py pyproject.toml MANIFEST.in LICENSE README.md'.split():
        shutil.copy(ROOT / name, copy / name)
    code = f'from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})'
    run(sys.executable, '-c', code, cwd=copy)
    return next(folder.glob('*.whl'))


def test_wheel_holds_packages_configs_and_tools(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata_name,) = (name for name in names if name.endswith('METADATA'))
        metadata = archive.read(metadata_name).decode().splitlines()
        version = {}
        exec(archive.read('albar_mm/version.py'), version)
    wanted = {
        '': sources('albar_mm', '*.py') | sources('downstream', '*.py'),
        'albar_mm/.mim/': sources('configs', '*.py') | sources('tools', '*.py'),
    }
    templates = sources('albar_mm/report/templates', '*')
    assert templates and templates <= names
    for where, files in wanted.items():
        assert files and {where + name for name in files} <= names
    top = {name.split('/')[0] for name in names if '.dist-info' not in name}
    assert top <= {'albar_mm', 'downstream'}
    assert any(name.endswith('LICENSE') for name in names)
    assert {f'Version: {version["__version__"]}', 'Name: albar_mm'} <= set(metadata)
    required = [line for line in metadata if line.startswith('Requires-Dist:')]
    plain = [line for line in required if 'extra ==' not in line]
    assert any('mmaction2==1.2.0' in line for line in plain)
    assert not any('mmcv' in line for line in plain)  # a full mmcv is the user's choice
    for package, extra in (('mmcv-lite', 'lite'), ('numba', 'fast')):
        assert any(package in line and extra in line for line in required)
    assert [line for line in plain if 'torch' in line] == ['Requires-Dist: torch>=2.6']


def test_constraints_fit_the_requirements():
    """Every requirement is constrained for every supported Python, to a version it allows."""
    from packaging.requirements import Requirement

    def read(name):
        lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
        return [Requirement(line) for line in lines if line.strip() and line[0] != '#']

    pinned = read('constraints')
    for python in ('3.10', '3.11', '3.12'):
        environment = dict(python_version=python, python_full_version=f'{python}.0')
        versions = {}
        for pin in pinned:
            if pin.marker is None or pin.marker.evaluate(environment):
                assert pin.name.lower() not in versions, f'{pin.name} twice for {python}'
                versions[pin.name.lower()] = next(iter(pin.specifier)).version
        assert versions['torch'] == '2.13.0'
        for wanted in read('runtime') + read('lite') + read('fast') + read('dev'):
            assert wanted.specifier.contains(versions[wanted.name.lower()]), (python, wanted)


def test_makefile_refuses_an_old_python(tmp_path):
    """One clear sentence, and no half-made environment."""
    fake = tmp_path / 'python-old'
    fake.write_text('#!/bin/sh\nexit 1\n')
    fake.chmod(0o755)
    command = ['make', 'test', f'PYTHON={fake}', f'VENV={tmp_path / "venv"}']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert 'albar_mm needs Python 3.10 or newer' in done.stderr
    assert not (tmp_path / 'venv').exists()


#: ``downstream.py`` has the name of the package, which it must find all the same.
CHECK = """
import os, runpy, sys
sys.path[:] = [p for p in sys.path if os.path.realpath(p or '.') != {root!r}]
sys.modules['pkg_resources'] = None
from pathlib import Path
home = Path.cwd()
sys.path.insert(0, {tools!r})  # as Python does where it runs a file
os.chdir({tools!r})
words = 'features --config gone.py --checkpoint gone.pth --videos gone.mp4 --out store'
sys.argv = [{tools!r} + '/downstream.py', *words.split()]
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as stop:
    assert stop.code == 1
import albar_mm
assert Path(albar_mm.__file__).is_relative_to({where!r}), albar_mm.__file__
from albar_mm.compat.config import config_root
from mmengine.config import Config
root = Path(config_root())
assert root == Path({configs!r}), root
os.chdir(home)
Path('own.py').write_text("_base_ = 'albar_mm::{base}'")
assert Config.fromfile('own.py').filename
Path('stock.py').write_text("_base_ = 'mmaction::_base_/default_runtime.py'")
assert Config.fromfile('stock.py').default_scope == 'mmaction'
from albar_mm.report.page import render
assert '<main>' in render('page.html', title='found')
print('fine')
"""


def check(python, folder, where, data, root='', **environment):
    """An installed copy: where it lies, its configs, and a tool run from the tools' own folder."""
    base = min(sources('configs', '*.py')).removeprefix('configs/')
    paths = dict(where=str(where), configs=str(data / 'configs'), tools=str(data / 'tools'))
    code = CHECK.format(root=root, base=base, **paths)
    done = run(python, '-c', code, cwd=folder, **environment)
    assert done.stdout.endswith('fine\n')
    # it comes from the package's own search for videos
    assert 'downstream.py: error: gone.mp4: no such folder, list or video\n' in done.stderr


def test_configs_are_found_in_an_installed_wheel(wheel, tmp_path):
    site = tmp_path / 'site'
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    data = site / 'albar_mm/.mim'
    check(sys.executable, tmp_path, site, data, root=str(ROOT), PYTHONPATH=str(site))


@pytest.mark.slow
def test_editable_install_in_a_fresh_environment(tmp_path):
    """``pip install -e .`` as pip does it; the other packages come from this environment."""
    import site

    venv = tmp_path / 'venv'
    run(sys.executable, '-m', 'venv', '--without-pip', venv)
    library = next(venv.glob('lib/python*/site-packages'))
    here = next(p for p in site.getsitepackages() if p.endswith('site-packages'))
    (library / 'here.pth').write_text(here + '\n')
    python = venv / 'bin' / 'python'
    options = '-m pip install -q --no-deps --no-build-isolation -e'
    run(python, *options.split(), ROOT, cwd=tmp_path)
    check(python, tmp_path, ROOT, ROOT, PYTHONPATH='')
