"""Real clips from joining to scores and segments: commands of docs/anomaly.md and docs/tal.md."""

import json
import os
import subprocess
import sys

import pytest

from tests.in_process import TOOLS

pytestmark = [pytest.mark.slow, pytest.mark.real_data]
CONFIGS = TOOLS.parent / 'configs' / 'downstream'


@pytest.fixture
def run(tmp_path):
    """Run a tool in a folder with ``data``; what it printed."""
    (tmp_path / 'data').mkdir()

    def command(name, words):
        words = words.replace('CONFIGS', str(CONFIGS)).split()
        words = [sys.executable, str(TOOLS / f'{name}.py'), *words]
        options = dict(cwd=tmp_path, text=True, capture_output=True)
        done = subprocess.run(words, **options, env={**os.environ, 'PYTHONPATH': str(TOOLS.parent)})
        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
        return done.stdout

    return command


def encoder_of(name):
    return f'--encoder-config CONFIGS/{name}.py --encoder-checkpoint encoder/epoch_40.pth'


def metrics(folder):
    """Of each seed."""
    (records,) = json.loads((folder / 'results.json').read_text())['rows'].values()
    return [record['metrics'] for record in records]


def test_surveillance_clips(real_data, tmp_path, run):
    (tmp_path / 'data/cctv_fights').symlink_to(real_data / 'cctv_fights')
    joined, encoder = 'data/cctv_untrimmed', encoder_of('encoder_cctv')
    text = run('join_clips', f'data/cctv_fights {joined} --background nofight')
    assert '40 test videos, 23 of them with events' in text
    run('train', 'CONFIGS/encoder_cctv.py --work-dir encoder')
    words = (
        f'--videos {joined}/videos --annotations {joined}/train.txt {joined}/test.txt --stride 8'
    )
    config = 'anomaly --config CONFIGS/anomaly_mgfn_cctv.py --work-dir cctv --seeds 0 1 2'
    print(run('downstream', f'{config} {words} {encoder}')[-2500:])
    assert all(each['frame/auc_low'] > 50 for each in metrics(tmp_path / 'cctv'))
    (weights,) = (tmp_path / 'cctv/detector/seed0').glob('epoch_*.pth')
    words = f'anomaly --score {joined}/videos/test_0000.avi --out scored'
    run('downstream', f'{words} {encoder} --checkpoint {weights}')
    assert {path.suffix for path in (tmp_path / 'scored').iterdir()} == {'.csv', '.png', '.mp4'}


def test_actions(real_data, tmp_path, run):
    (tmp_path / 'data/hmdb51_jhmdb21').symlink_to(real_data / 'hmdb51_jhmdb21')
    joined, encoder = 'data/jhmdb21_untrimmed', encoder_of('encoder_untrimmed_jhmdb21')
    words = '--background sit stand walk --eventless 0 --events 2 5 --fps 30'
    text = run('join_clips', f'data/hmdb51_jhmdb21/videos {joined} {words}')
    assert '120 train videos, 120 of them with events' in text
    run('train', 'CONFIGS/encoder_untrimmed_jhmdb21.py --work-dir encoder')
    words = f'--videos {joined}/videos --annotations {joined}/segments.json --stride 4'
    config = 'tal --config CONFIGS/tal_tridet_jhmdb21.py --work-dir tal --seeds 0 1 2'
    print(run('downstream', f'{config} {words} --align centre {encoder}')[-2500:])
    # chance, of 18 classes: a class told at random is right once in 18 times
    assert all(each['tal/mAP@0.5'] > 100 / 18 for each in metrics(tmp_path / 'tal'))
    (weights,) = (tmp_path / 'tal/detector/seed0').glob('epoch_*.pth')
    words = f'tal --detect {joined}/videos/test_0000.avi --out found'
    assert 'candidates' in run('downstream', f'{words} --checkpoint {weights} {encoder}')
    assert {path.suffix for path in (tmp_path / 'found').iterdir()} == {'.json', '.png'}
