"""``tools/prepare_dataset.py``: what a user meets at the command line."""

import json
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from albar_mm.annotations.official_lists import SPECS
from tests.in_process import TOOLS, run_tool
from tests.preparation.official import write_jhmdb21, write_ucf101

CONFIGS = TOOLS.parent / 'configs'
DATASETS = ('hmdb51', 'ucf101', 'kinetics400', 'jhmdb21', 'motion_sprites', 'ucf_crime', 'thumos14')


@pytest.mark.parametrize('name', ['', *DATASETS])
def test_help_shows_the_examples_of_a_data_set(name):
    done = run_tool('prepare_dataset', *name.split(), '--help')
    assert done.returncode == 0 and 'examples:' in done.stdout and '--debug' in done.stdout
    examples = [line for line in done.stdout.splitlines() if line.startswith('  python tools/')]
    assert {line.split()[2] for line in examples} == ({name} if name else set(DATASETS))


def paths_of(config):
    cfg = Config.fromfile(CONFIGS / config)
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset.dataset
    return [train, val, cfg.test_dataloader.dataset.iid]


def test_lists_lie_where_the_config_reads_them(call, tmp_path):
    source = write_jhmdb21(tmp_path / 'source')
    status, lines = call('prepare_dataset', 'jhmdb21', '--source', source)
    assert (status, lines) == (0, [])
    for part in paths_of('albar_jhmdb21.py'):
        listed = Path(part.ann_file).read_text().splitlines()
        videos = [Path(part.data_prefix.video, line.split(' ')[0]) for line in listed]
        assert videos and all(path.is_file() for path in videos)


def test_a_config_that_validates_says_when_nothing_was_held_out(call, tmp_path):
    source = write_jhmdb21(tmp_path / 'source')
    assert call('prepare_dataset', 'jhmdb21', '--source', source, '--val-share', 0) == (0, [])
    status, (line,) = call('train', CONFIGS / 'erm_jhmdb21.py')
    assert status == 1
    for part in (
        'val_dataloader.dataset.dataset.ann_file: annotation file data/jhmdb21/val_split1.txt: no ',
        'data/jhmdb21 was prepared with --val-share 0',
        '--no-validate',
        'python tools/prepare_dataset.py jhmdb21 --source <folder of the clips> --val-share 0.1',
    ):
        assert part in line
    (Path('data/jhmdb21') / 'report.json').write_text('{')  # then only the command is known
    status, (line,) = call('train', CONFIGS / 'erm_jhmdb21.py')
    assert status == 1 and 'prepare_dataset.py jhmdb21 --source' in line and 'share' not in line


@pytest.mark.parametrize(
    ('name', 'delimiter'), [('hmdb51', None), ('ucf101', None), ('kinetics400', '\t')]
)
def test_names_are_those_of_the_configs(name, delimiter):
    suffix = SPECS[name].suffix.format(split=1)
    wanted = [f'data/{name}/{split}{suffix}.txt' for split in ('train', 'val', 'test')]
    whole = Config.fromfile(CONFIGS / '_base_' / 'datasets' / f'{name}_trainval.py')
    assert whole.train_dataloader.dataset.ann_file == f'data/{name}/trainval{suffix}.txt'
    for method in ('erm', 'albar'):
        parts = paths_of(f'{method}_{name}.py')
        assert [part.ann_file for part in parts] == wanted
        assert {part.data_prefix.video for part in parts} == {f'data/{name}/videos'}
        assert {part.get('delimiter') for part in parts} == {delimiter}
        assert (delimiter or ' ') == SPECS[name].delimiter


def test_exit_status_and_report(call, tmp_path):
    source = write_jhmdb21(tmp_path / 'source')
    broken = sorted((source / 'videos').glob('*/*.avi'))[7]
    broken.write_bytes(broken.read_bytes()[:-400])
    status, lines = call('prepare_dataset', 'jhmdb21', '--source', source)
    assert status == 1 and len(lines) == 1
    assert 'truncated' in lines[0] and broken.name in lines[0] and '--missing drop' in lines[0]
    assert '.py:' not in lines[0].removeprefix('prepare_dataset.py: ')
    assert not list(Path('data/jhmdb21').glob('*.txt'))
    status, lines = call('prepare_dataset', 'jhmdb21', '--source', source, '--missing', 'drop')
    assert (status, lines) == (3, [])
    report = json.loads(Path('data/jhmdb21/report.json').read_text())
    assert [Path(finding['name']).name for finding in report['findings']] == [broken.name]


@pytest.mark.parametrize(
    ('args', 'wanted'),
    [
        (['jhmdb21', '--source', 'gone'], r'gone: no such folder; name the one with'),
        (['hmdb51', '--lists', '.'], r"no '<class>_test_split1.txt'; name the folder"),
        (['hmdb51'], r'data/hmdb51/annotations: no such folder'),
        (['ucf101', '--lists', 'ucf'], r'data/ucf101/videos: no such folder of videos'),
        (
            ['ucf101', '--lists', 'ucf', '--videos', 'v', '--out', 'file/out'],
            r'file/out: cannot be written: ',
        ),
        (
            ['ucf101', '--lists', 'overlap', '--videos', 'v', '--out', 'o'],
            r'entries of the lists \(\d+ overlap\), the first: overlap: test Class\d+/.*no ann',
        ),
        (['ucf101', '--lists', 'empty'], r'testlist01.txt: the list is empty'),
        (['kinetics400', '--lists', 'ucf'], r'none of train.csv'),
    ],
)
def test_errors_are_one_line(call, tmp_path, args, wanted):
    for name in ('ucf', 'overlap', 'empty'):
        write_ucf101(tmp_path / name)
    train = (tmp_path / 'overlap' / 'trainlist01.txt').read_text()
    (tmp_path / 'overlap' / 'testlist01.txt').write_text(
        '\n'.join(line.split()[0] for line in train.splitlines()[:5])
    )
    (tmp_path / 'empty' / 'testlist01.txt').write_text('\n\n')
    (tmp_path / 'v').mkdir()
    (tmp_path / 'file').touch()
    status, lines = call('prepare_dataset', *args)
    assert status == 1 and len(lines) == 1 and re.search(wanted, lines[0]), lines
    assert '--debug shows' not in lines[0]
    assert not [path for path in tmp_path.rglob('*split1.txt')]


@pytest.mark.parametrize(
    'words', ['--debug jhmdb21 --source gone', 'jhmdb21 --source gone --debug']
)
def test_debug_before_and_after_the_command(words):
    assert 'Traceback' in run_tool('prepare_dataset', *words.split()).stderr


def test_motion_sprites_as_before(call, tmp_path):
    words = '--train 8 --val 8 --test 8 --no-unbiased --workers 1 --seed 4'.split()
    words += '--scene-rate 0.5 --look-rate 0.5'.split()
    assert call('prepare_dataset', 'motion_sprites', '--out', tmp_path / 's', *words) == (0, [])
    assert len((tmp_path / 's' / 'train.txt').read_text().splitlines()) == 8
