"""What the doctor finds in environments and configs that are broken on purpose."""

import importlib.metadata
import json
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from albar_mm.doctor import Finding, Report, machine, packages
from albar_mm.doctor import config as config_check
from albar_mm.doctor.child import ask
from albar_mm.doctor.data import Annotation, check_annotation, check_folder
from albar_mm.doctor.libraries import check_decoders, check_package, check_torchvision
from albar_mm.doctor.report import finding, redact
from tests.evaluation.tiny_benchmark import test_pipeline as benchmark_pipeline
from tests.evaluation.tiny_benchmark import write_benchmark

ROOT = Path(__file__).resolve().parents[2]
HEALTHY = dict.fromkeys(packages.WANTED, '1.0')
HEALTHY |= dict(torch='2.13.0+cpu', mmengine='0.10.7', mmaction2='1.2.0', numpy='2.4.6')
HEALTHY |= dict.fromkeys(('opencv-python', 'opencv-contrib-python'), '5.0.0.93')
HEALTHY |= {'mmcv-lite': '2.1.0'}
REINSTALL = 'pip install --force-reinstall --no-deps opencv-python==5.0.0.93 opencv-contrib-python='
HEADLESS = {'opencv-python-headless': '5.0.0.93'}
DECODE_ALL = dict.fromkeys(('decord', 'pyav', 'opencv'), '1.0, decodes')


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Put a module of one's own in front of an installed one."""
    folder = tmp_path / 'modules'
    folder.mkdir()

    def make(name, text):
        (folder / f'{name}.py').write_text(text)
        monkeypatch.syspath_prepend(folder)

    return make


def errors(findings):
    return [finding.what for finding in findings if finding.level == 'error']


# --- packages


def test_wanted_versions_are_those_of_the_requirements(monkeypatch):
    def read(name):
        lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
        return {line for line in lines if line and line[0] != '#'}

    assert {name + wanted for name, wanted in packages.WANTED.items()} | {'decord'} == (
        read('runtime')
    )
    assert read('lite') == {packages.MMCV_LITE} and read('fast') <= set(packages.OPTIONAL)
    of_a_wheel = ['torch>=2.6', 'decord', 'numpy', 'numba; extra == "fast"']
    monkeypatch.setattr(Path, 'is_file', lambda path: False)
    monkeypatch.setattr(packages, 'version_of', lambda name: '1.0')
    monkeypatch.setattr(packages.importlib.metadata, 'requires', lambda name: of_a_wheel)
    assert packages._wanted() == {'torch': '>=2.6', 'numpy': ''}


@pytest.fixture
def all_found(monkeypatch):
    """Every module is there, whatever the metadata say."""
    monkeypatch.setattr(packages.importlib.util, 'find_spec', lambda name: object())


def test_healthy_sets_of_versions(all_found, monkeypatch):
    assert packages.check_versions(HEALTHY) == []
    full = {k: v for k, v in HEALTHY.items() if k != 'mmcv-lite'} | {'mmcv': '2.2.0'}
    assert packages.check_versions(full) == []  # compat lifts mmaction2's refusal of 2.2
    assert not packages.fits('0.11.0rc0', '>=0.10.7,<0.11') and not packages.fits('2.10', '<2.2')
    monkeypatch.setitem(sys.modules, 'packaging.specifiers', None)
    assert packages.check_versions(HEALTHY | {'torch': '2.4.1'}) == []  # it cannot tell


@pytest.mark.parametrize(
    'change, level, what, fix',
    [
        ({'torch': '2.4.1'}, 'error', 'torch 2.4.1', 'pip install "torch>=2.6"'),
        ({'mmengine': '0.11.0'}, 'error', 'mmengine 0.11.0', 'mmengine>=0.10.7,<0.11'),
        ({'mmcv': '2.1.0'}, 'warning', 'both installed', 'pip uninstall -y mmcv mmcv-lite && '),
        ({'mmcv-lite': '2.3.0'}, 'error', "outside mmaction2's range", '"mmcv-lite>=2.0.1,<2.2"'),
        ({'mmcv-lite': '1.7.2'}, 'error', "outside mmaction2's range", '"mmcv-lite>=2.0.1,<2.2"'),
        ({'mmcv-lite': None, 'mmcv': '2.1.0'}, 'warning', 'for numpy 1', '"numpy<2"'),
        (HEADLESS, 'warning', 'module cv2', f'uninstall -y opencv-python-headless && {REINSTALL}'),
        ({'opencv-python': '4.10.0.84'}, 'warning', 'overwrite one another', REINSTALL),
    ],
)
def test_one_trap_at_a_time(all_found, change, level, what, fix):
    versions = {k: v for k, v in (HEALTHY | change).items() if v is not None}
    (finding,) = packages.check_versions(versions)
    assert finding.level == level and what in finding.what and fix in finding.fix


def test_missing_packages(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, 'find_spec', lambda name: None)
    found = packages.check_versions({'torch': '2.6.0'}, python=(3, 9, 1))
    fixes = [finding.fix for finding in found if finding.level == 'error']
    assert 'pip install "mmaction2==1.2.0"' in fixes
    assert 'pip install "mmcv-lite>=2.0.1,<2.2"' in fixes
    assert any('Python 3.9.1 is too old' in what for what in errors(found))
    # mended for ourselves, so no error; and done without, so no warning
    fixes = ['pip install "setuptools<81"', 'pip install "albar_mm[fast]"']
    assert [f.fix for f in found if f.level == 'note'] == fixes
    assert 'segments are suppressed by PyTorch, slower' in found[-1].what


# --- search path


def test_pythonpath(tmp_path):
    hiding, harmless, tools = (tmp_path / name for name in ('hiding', 'harmless', 'my_tools'))
    (hiding / 'mmaction').mkdir(parents=True)
    (harmless / 'others').mkdir(parents=True)
    tools.mkdir()
    for name in ('train.py', 'test.py'):
        (tools / name).touch()
    assert machine.check_paths(None, ROOT) == machine.check_paths('', ROOT) == []
    assert machine.check_paths(f'{harmless}:{ROOT}', ROOT) == []
    (one,) = machine.check_paths(f'{harmless}:{hiding}', ROOT)
    assert one.level == 'warning' and 'mmaction hide' in one.what
    assert one.fix == f'export PYTHONPATH="{harmless}"'
    (one,) = machine.check_paths(str(tools), ROOT)
    assert 'test.py hides' in one.what and one.fix == 'unset PYTHONPATH'
    (one,) = machine.check_paths(f':{harmless}', ROOT)  # as MMAction2's scripts leave it
    assert 'empty entry' in one.what and one.fix == f'export PYTHONPATH="{harmless}"'


def test_second_copy(monkeypatch, tmp_path):
    info = tmp_path / 'albar_mm-0.0.1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: albar_mm\nVersion: 0.0.1\n')
    distribution = importlib.metadata.Distribution.at(info)
    monkeypatch.setattr(machine.importlib.metadata, 'distribution', lambda name: distribution)
    assert machine.check_copies(ROOT) == []  # an editable install holds no copy
    (tmp_path / 'albar_mm').mkdir()
    (tmp_path / 'albar_mm' / '__init__.py').touch()
    assert machine.check_copies(tmp_path) == []
    (one,) = machine.check_copies(ROOT)
    assert str(tmp_path) in one.what and one.fix == f'pip install --no-deps -e "{ROOT}"'


# --- child processes


@pytest.mark.parametrize(
    'text, error',
    [
        ('import os\nos.abort()', 'crashed (SIGABRT)'),
        ('import time\ntime.sleep(6000)', 'no answer within 1 s'),  # ended, not waited for
        ('raise RuntimeError("no such\\n  operator")', 'RuntimeError: no such operator'),
        ('import sys\nsys.exit("no licence")', 'no licence'),
        ('print("noise")\n__version__ = "3.1"', ''),
    ],
)
def test_a_broken_library_does_no_harm(module, text, error):
    module('library', text)
    answer = ask('module', 'library', timeout_s=1 if 'sleep' in text else 120)
    assert (answer.error, answer.value) == (error, None if error else '3.1')


def test_libraries_that_break(module, monkeypatch):
    assert check_torchvision() == []
    module('torchvision', 'raise RuntimeError("operator torchvision::nms does not exist")')
    with monkeypatch.context() as patch:
        patch.setattr(importlib.metadata, 'version', lambda name: '0.1')
        (finding,) = check_torchvision()
    assert finding.level == 'error' and 'torchvision::nms' in finding.what
    assert finding.fix == 'pip uninstall -y torchvision'
    module('mmcv', 'raise ImportError("numpy.core.multiarray failed to import")')
    facts, (finding,) = check_package()
    assert 'cannot be imported' in facts['applied']
    assert finding.level == 'error' and finding.fix == 'pip install "numpy<2"'
    assert finding.what.startswith('mmcv cannot be imported (ImportError: numpy.core')


# --- decoders

WRONG_AV = """
import numpy as np
__version__ = '1'
class Frame:
    def to_ndarray(self, format): return np.zeros((48, 64, 3), np.uint8)
class open:
    def __init__(self, path): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def decode(self, video): return iter([Frame()] * 8)
"""


def test_decoders(module):
    """One that works, one that crashes, one that decodes nonsense, one that is not there."""
    module('decord', 'import os\nos.abort()')
    module('av', WRONG_AV)
    module('torchcodec', 'raise ModuleNotFoundError("No module named \'torchcodec\'")')
    facts, findings = check_decoders()
    assert facts['opencv'].endswith(', decodes') and facts['torchcodec'] == 'not installed'
    assert facts['decord'] == 'broken: crashed (SIGABRT)'
    assert 'frame 0 is wrong: (48, 64, 3), mean 0' in facts['pyav']
    assert [f.level for f in findings] == ['warning'] * 2  # one that works is enough
    assert findings[1].fix == 'pip install --force-reinstall --no-deps av'
    module('cv2', 'raise OSError("no library")')
    assert check_decoders()[1][-1].what == 'no video decoder works'


# --- machine


def test_machine(monkeypatch, tmp_path):
    assert machine.check_shared(8 * machine.GIB) == machine.check_open_files(65536) == []
    (small,), (few,) = machine.check_shared(64 * 2**20), machine.check_open_files(256)
    assert 'is 0.1 GiB, 1.0 GiB are needed' in small.what
    assert small.fix == 'sudo mount -o remount,size=8G /dev/shm' and small.level == 'warning'
    assert 'at most 256 files' in few.what and few.fix == 'ulimit -n 65536'
    monkeypatch.setattr(machine, 'SHARED', tmp_path)
    monkeypatch.setattr(machine, 'MIN_DISK_BYTES', 2**60)
    facts, findings = machine.check_machine()
    assert int(facts['cores']) >= 1 and facts['RAM'].endswith(' GiB')
    assert sum('free on the disk' in finding.what for finding in findings) == 2


# --- data of a config

KEY = 'train_dataloader.dataset'


def annotation(toy_videos, ann_file, videos=None, delimiter=' '):
    videos = str(videos or toy_videos / 'videos')
    return Annotation(KEY, str(ann_file), videos, delimiter, 'VideoDataset', 'opencv')


def test_a_good_annotation_and_missing_data(toy_videos, tmp_path):
    fact, findings = check_annotation(annotation(toy_videos, toy_videos / 'list.txt'), 2)
    assert findings == [] and fact.endswith('8 lines, first video 64x64 with opencv')
    tabs = tmp_path / 'tabs.txt'
    tabs.write_text((toy_videos / 'list.txt').read_text().replace(' ', '\t'))
    assert check_annotation(annotation(toy_videos, tabs, delimiter='\t'), 2)[1] == []
    assert errors(check_annotation(annotation(toy_videos, tabs), 2)[1])

    def fix(path):
        return check_annotation(annotation(toy_videos, tmp_path / path))[1][0].fix

    made = 'python tools/prepare_dataset.py'
    root = tmp_path / 'motion_sprites'
    assert fix('motion_sprites/val.txt') == f'{made} motion_sprites --out {root}'
    assert fix('jhmdb21/val_split2.txt').startswith(f'{made} jhmdb21 --source ')
    assert '--split 2 --out ' in fix('jhmdb21/val_split2.txt')
    assert fix('hmdb51/mine.txt').startswith('add --cfg-options train_dataloader.dataset.ann_file=')
    assert fix('own/a.txt').startswith('add --cfg-options train_dataloader.dataset.ann_file=')
    (gone,) = check_folder(f'{KEY}.bias_root', 'data/ucf101/bias_boxes')
    assert gone.fix == 'python tools/build_bias_benchmark.py build ucf101-boxes --masks <masks>'
    folder = tmp_path / 'masks'
    (gone,) = check_folder(f'{KEY}.mask_root', str(folder))
    folder.mkdir()
    (empty,) = check_folder(f'{KEY}.mask_root', str(folder))
    assert 'no such folder' in gone.what and 'is empty' in empty.what
    assert gone.fix == empty.fix
    (folder / 'a.png').touch()
    assert check_folder(f'{KEY}.mask_root', str(folder)) == []


@pytest.mark.parametrize(
    'text, what',
    [
        ('\n\n', 'is empty'),
        ('clip_0.mp4 0\nclip 1.mp4 1\n', 'list.txt:2: expected "<video> <label>", got'),
        ('clip_0.mp4 0\nclip_1.mp4 2\n', 'list.txt:2: label 2 is outside [0, 2)'),
        ('clip_9.mp4 0\n', 'clip_9.mp4, the first of'),
        ('broken.mp4 0\n', 'broken.mp4 does not decode with opencv'),
        ('playlist.mp4 0\n', 'playlist.mp4: it does not begin like a video file'),
    ],
)
def test_a_bad_annotation(toy_videos, tmp_path, text, what):
    folder = tmp_path / 'videos'
    folder.mkdir()
    for video in (toy_videos / 'videos').iterdir():
        (folder / video.name).symlink_to(video)
    (folder / 'broken.mp4').write_bytes(b'FLV'.ljust(400, b'\0'))
    (folder / 'playlist.mp4').write_text('#EXTM3U')
    (tmp_path / 'list.txt').write_text(text)
    ann = annotation(toy_videos, tmp_path / 'list.txt', folder)
    (finding,) = check_annotation(ann, 2)[1]
    assert finding.level == 'error' and what in finding.what and finding.fix


# --- the whole config


def test_a_good_config(toy_config, tmp_path):
    weights = tmp_path / 'w.pth'
    torch.save(dict(state_dict={'a': torch.zeros(1)}), weights)
    options = [f'load_from={weights}', f'work_dir={tmp_path / "out"}']
    facts, findings = config_check.check_config(toy_config, options, DECODE_ALL)
    assert findings == []
    assert 'model.static' not in facts
    assert facts['load_from'].endswith('w.pth: 1 tensors')
    for loader in config_check.LOADERS:
        assert facts[f'{loader} decodes with'] == 'decord'
        assert '8 lines, first video 64x64' in facts[f'{loader}.dataset.ann_file']
        assert facts[f'{loader} first sample'] == '0.01 MiB'  # 3 x 4 x 32 x 32 bytes


def test_what_a_step_costs_and_options_that_cannot_be(toy_config):
    text = Path(toy_config).read_text()
    for static, told in (('', 'static pass of 2 of 2 clips, 2 of them'), ('share=0', None)):
        albar = f"type='ALBARRecognizer3D', static=dict({static}),"
        Path(toy_config).write_text(text.replace("type='Recognizer3D',", albar))
        facts, findings = config_check.check_config(toy_config, [], DECODE_ALL)
        if told:
            assert facts['model.static'].startswith(told)
        else:
            assert any('static.share: expected' in finding.what for finding in findings)


def test_bias_sets_that_are_not_there(tmp_path):
    """Told, with the command that makes them; no error, as a test leaves them out."""
    given = write_benchmark(tmp_path / 'data' / 'hmdb51')
    given.update(type='BiasBenchmarkDataset', pipeline=benchmark_pipeline(), missing='skip')
    backgrounds = ['stripe', 'vqgan']
    given.update(scuba=backgrounds, scufo=backgrounds)
    loader = dict(dataset=given, batch_size=1, num_workers=0)
    facts, found = config_check._check_loader(
        Config(dict(test_dataloader=loader)), 'test_dataloader', DECODE_ALL
    )
    assert facts['test_dataloader first sample'] != 'not loaded'
    (told,) = found
    assert told.level == 'warning' and told.what.endswith('left out: scuba/vqgan, scufo/vqgan')
    assert told.fix.startswith('python tools/build_bias_benchmark.py build hmdb51 --masks <masks>')


def test_a_bad_config(toy_config, tmp_path, monkeypatch):
    """Every problem is named in one pass, once."""
    (tmp_path / 'file').touch()
    (tmp_path / 'w.pth').write_bytes(b'no checkpoint')
    options = [
        'train_dataloader.dataset.ann_file=gone.txt',
        f'load_from={tmp_path / "w.pth"}',
        'model.backbone.pretrained=torchvision://resnet18',
        'val_dataloader.num_workers=1000',
        f'work_dir={tmp_path / "file" / "out"}',
    ]
    masks = dict(dataset=dict(mask_root=str(tmp_path / 'masks')))
    bad = tmp_path / 'bad.py'
    bad.write_text(f'_base_ = {str(toy_config)!r}\ntest_dataloader = {masks}\n')
    decoders = dict(DECODE_ALL, decord='not installed')
    _, findings = config_check.check_config(bad, options, decoders)
    text = '\n'.join(errors(findings))
    for problem in (
        'gone.txt: no such file',
        'w.pth does not load',
        'model.backbone.pretrained: torchvision://resnet18 needs torchvision',
        'val_dataloader: its pipeline decodes with decord, which is not installed',
        f'{tmp_path / "file"} is no folder that you may write to',
    ):
        assert problem in text
    assert [f.fix for f in findings if 'decodes with decord' in f.what][0].startswith('pip install')
    # so many workers need more than there is
    _, findings = config_check.check_config(toy_config, options[3:4], DECODE_ALL)
    assert errors(findings) == []
    warned = ' '.join(f'{f.what} {f.fix}' for f in findings)
    assert 'num_workers=1000 is more than the' in warned
    (missing,) = config_check.check_config(tmp_path / 'none.py', [], DECODE_ALL)[1]
    assert 'none.py: no such file' in missing.what
    options = ['train_dataloader.dataset.pipeline.3.type=NoSuchTransform']
    (what,) = errors(config_check.check_config(toy_config, options, DECODE_ALL)[1])
    assert what.startswith('train_dataloader: its first sample cannot be loaded (')
    assert 'NoSuchTransform' in what


# --- the report


def test_report(monkeypatch):
    monkeypatch.setenv('HOME', '/srv/people/jane')
    monkeypatch.setattr('getpass.getuser', lambda: 'jane')
    for text, expected in (
        (r'C:\Users\tom\clips', r'~\clips'),
        ('/Users/tom: gone', '~: gone'),
        ('/srv/people/jane2/x', '/srv/people/jane2/x'),
        ('janes', 'janes'),
        ('/a/jane/b', '/a/<user>/b'),
    ):
        assert redact(text) == expected
    report = Report()
    report.add('versions', {'torch': '2.6', 'at': '/srv/people/jane/x, /home/tom/y'}, [])
    assert report.ok
    assert report.advice() == '0 errors, 0 warnings, 0 notes: nothing would stop a run'
    (warning,) = finding('warning', 'small\n  disk', 'df -h "/srv/people/jane/my data"')
    report.add('machine', {'cores': 2}, [warning, warning, Finding('note', 'by jane', 'none')])
    assert report.ok
    report.add('machine', {}, [Finding('error', 'no torch', 'pip install torch')])
    assert not report.ok
    assert report.advice().splitlines() == [
        'error: no torch',
        '  fix: pip install torch',
        'warning: small disk',
        '  fix: df -h "/srv/people/jane/my data"',
        'note: by jane',
        '  fix: none',
        '1 error, 1 warning, 1 note: a run would stop',
    ]
    head = (
        '```text|albar_mm doctor|[versions]|torch: 2.6|at: ~/x, ~/y|[machine]|cores: 2|[problems]'
    )
    problems = ['error: no torch | fix: pip install torch', 'note: by <user> | fix: none']
    problems.insert(1, 'warning: small disk | fix: df -h "~/my data"')
    assert report.block().splitlines() == [*head.split('|'), *problems, '```']
    document = json.loads(report.as_json())
    assert document['ok'] is False and document['facts']['versions']['at'] == '~/x, ~/y'
    assert [p['what'] for p in document['problems']] == ['no torch', 'small disk', 'by <user>']
