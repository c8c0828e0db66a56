"""tools/compare_methods.py from nothing to table, picture and report, reduced (tests only)."""

import json
import re
import shutil
from pathlib import Path
from unittest import mock

import cv2
import pytest

from albar_mm.datasets.motion_sprites import SpritesSettings, build_motion_sprites
from albar_mm.experiments import comparison, experiment
from tests.in_process import tool

from .runs import SHORT

CONFIGS = Path(__file__).parents[2] / 'configs'
ONE_SET = [f'test_dataloader.dataset.{domain}=[stripe]' for domain in ('scuba', 'scufo')]
OPTIONS = [
    *SHORT,
    *ONE_SET,
    *(f'comparison.reference.cfg_options.{option}' for option in [*SHORT, *ONE_SET]),
    'comparison.reference.size=8',
]
COLUMNS = ('iid/top1', 'scuba/avg', 'scufo/avg', 'conflfg/top1', 'contrasted/avg')
ROWS = {'none': 'None', 'stillmix': 'StillMix', 'albar': 'ALBAR'}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('compare')
    settings = SpritesSettings(train=32, val=8, test=8)
    build_motion_sprites(path / 'data/motion_sprites', settings, workers=1)
    return path


@pytest.fixture
def compare(folder, monkeypatch, capfd):
    """Run the tool in the folder; return its exit status, output and own lines on stderr."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr('sys.argv', ['compare_methods.py'])

    def run(words='--work-dir out', methods=tuple(ROWS), seeds=('0',), options=OPTIONS):
        capfd.readouterr()
        chosen = [str(CONFIGS / 'compare_sprites.py'), '--methods', *methods, '--seeds', *seeds]
        status = tool('compare_methods').main([*chosen, *words.split(), '--cfg-options', *options])
        done = capfd.readouterr()
        own = [line for line in done.err.splitlines() if line.startswith('compare_methods.py: ')]
        return status, done.out, own

    return run


@pytest.fixture
def trainings(monkeypatch):
    """Work folders of what is trained."""
    done = []
    for module in (experiment, comparison):

        def train(cfg, work_dir, *args, train=module.train, **kwargs):
            done.append(Path(work_dir).relative_to('out').as_posix())
            return train(cfg, *args, work_dir=work_dir, **kwargs)

        monkeypatch.setattr(module, 'train', train)
    return done


@pytest.fixture
def finished(compare, trainings, folder):
    """All rows are there, also where a test runs alone."""
    if not (folder / 'out/table.txt').is_file():
        assert compare()[0] == 0
    trainings.clear()


def test_all_rows_from_nothing(compare, trainings, folder):
    status, text, errors = compare()
    assert (status, errors) == (0, [])
    assert trainings == ['reference', *(f'{method}/seed0' for method in ROWS)]
    rows = json.loads((folder / 'out/results.json').read_text())['rows']
    assert list(rows) == list(ROWS.values())
    for (record,) in rows.values():
        for part in ('metrics', 'metrics_best'):
            assert 0 <= record[part]['contrasted/avg'] <= 100
        assert record['best_checkpoint'].startswith('best_val_contrast')
    table = (folder / 'out/table.txt').read_text()
    assert table.strip() in text
    last, best, notes = table.split('\n\n')
    assert 'last weights' in last and 'chosen by validation contrast' in best
    for block, part in ((last, 'metrics'), (best, 'metrics_best')):
        lines = [line.split() for line in block.splitlines()[3:-1]]
        shown = {name: [float(cell) for cell in cells] for name, *cells in lines}
        for name, (record,) in rows.items():
            assert shown.pop(name) == [round(record[part][key], 2) for key in COLUMNS]
        assert not shown
    # what a method was given is said, and not what the others were
    assert 'StillMix: bank of a reference network' in notes and 'SDN' not in notes
    picture = cv2.imread(str(folder / 'out/comparison.png'))
    assert picture is not None and picture.shape[1] > 1000
    report = (folder / 'out/report.html').read_text()
    assert all(name in report for name in ROWS.values())
    bank = (folder / 'out/reference/bank.npz').absolute()  # of the reference network: mixed in
    dumped = next((folder / 'out/stillmix/seed0').glob('*.py')).read_text()
    assert bank.is_file() and str(bank) in dumped


def test_what_is_finished_is_not_repeated(finished, compare, trainings, folder):
    before = (folder / 'out/table.txt').read_text()
    (folder / 'out/none/seed7').mkdir()  # another seed's run, broken off: no part of this table
    assert compare()[0] == 0 and trainings == []
    assert (folder / 'out/table.txt').read_text() == before
    shutil.rmtree(folder / 'out/none/seed0')
    assert compare()[0] == 0 and trainings == ['none/seed0']
    assert (folder / 'out/table.txt').read_text() == before  # a seed gives what it gave
    assert compare(methods=['none'], seeds=('0', '1'))[0] == 0
    assert trainings == ['none/seed0', 'none/seed1']
    assert '±' in (folder / 'out/table.txt').read_text()


def test_side_by_side(compare, trainings, folder):
    words = '--work-dir out/jobs --validate-only'
    status, text, errors = compare(f'--jobs 2 {words}', methods=['none'])
    assert (status, errors) == (0, []) and 'val contrast' in text
    assert trainings == []  # none in this process
    printed = (folder / 'out/jobs/none/seed0/output.txt').read_text()
    assert re.search(r'Epoch\(train\) +\[1\]\[8/8\]', printed)
    assert compare(words, methods=['none'])[0] == 0 and trainings == []


def test_the_longest_run_first_and_stillmix_after_its_reference(folder, monkeypatch):
    begun, interrupted = [], mock.Mock(side_effect=KeyboardInterrupt)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(comparison, 'run_side_by_side', lambda jobs, at_once: begun.extend(jobs))
    monkeypatch.setattr(comparison.ReferenceBank, 'make', interrupted)
    with pytest.raises(KeyboardInterrupt):
        config = CONFIGS / 'compare_sprites.py'
        comparison.run_comparison(config, 'out/order', list(ROWS), [0, 1], OPTIONS, jobs=2)
    seeds = [f'{row}, seed {seed}' for row in ('ALBAR', 'None', 'StillMix') for seed in (0, 1)]
    assert [job.name for job in begun] == ['reference', *seeds]
    assert [list(job.after) for job in begun] == [[]] * 5 + [['reference']] * 2


def test_another_setting_in_the_same_folder_is_refused(finished, compare, trainings, folder):
    before = (folder / 'out/results.json').read_bytes()
    changed = [*OPTIONS, 'optim_wrapper.optimizer.lr=1']
    status, _, (error,) = compare(methods=['none'], options=changed)
    assert status == 1 and trainings == []
    assert 'none/seed0 holds a run of other settings' in error
    assert (folder / 'out/results.json').read_bytes() == before


def test_choosing_a_setting_needs_no_test_set(compare, trainings, folder, monkeypatch):
    monkeypatch.setattr(experiment, 'test', lambda *a, **k: pytest.fail('tested'))
    options = [*OPTIONS, 'comparison.options.mixup.prob=0.25']
    words = '--work-dir out/chosen --validate-only --trials trials.jsonl'
    status, text, _ = compare(words, methods=['mixup'], options=options)
    assert status == 0 and 'val contrast' in text and trainings == ['chosen/mixup/seed0']
    (trial,) = map(json.loads, (folder / 'trials.jsonl').read_text().splitlines())
    assert trial['name'] == 'Mixup' and trial['options'] == dict(prob=0.25)
    assert set(trial['validation']) == {'val/top1', 'val/static_top1', 'val/contrast'}
    assert not (folder / 'out/chosen/table.txt').exists()


@pytest.mark.parametrize(
    ('words', 'method', 'option', 'wanted'),
    [
        ('', 'famme', '', "unknown method 'famme' (did you mean 'fame'?)"),
        ('--boxes gone.jsonl', 'actorcutmix', '', 'boxes=gone.jsonl: no such file'),
        ('', 'sdn', 'comparison.boxes=None', 'sdn needs boxes=FILE'),
        ('', 'none', 'comparison.box=a', "comparison: unknown 'box'"),
        ('', 'be', 'comparison.options.be.prop=1', "did you mean 'prob'?"),
        ('--bank gone.npz', 'stillmix', '', 'bank=gone.npz: no such file'),
        ('', 'be', 'test_evaluator.type=AccMetric', "= dict(type='BiasM"),
        ('', 'be', 'default_hooks.checkpoint.save_best=None', 'checkpoint.save_best'),
    ],
)
def test_bad_input_is_one_line_before_any_training(
    compare, trainings, words, method, option, wanted
):
    options = [*OPTIONS, option] if option else OPTIONS
    words = f'{words} --work-dir out/bad'
    status, _, (error,) = compare(words, methods=['none', method], options=options)
    assert status == 1 and trainings == [] and wanted in error
