"""Real clips from joining to localised actions: the commands of docs/tal.md."""

import json

import pytest

from .commands import ROOT, run


@pytest.mark.slow
@pytest.mark.real_data
def test_real_actions(real_data, tmp_path):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/hmdb51_jhmdb21').symlink_to(real_data / 'hmdb51_jhmdb21')
    joined, configs = tmp_path / 'data/jhmdb21_untrimmed', ROOT / 'configs' / 'downstream'
    text = run(
        tmp_path,
        ROOT / 'tools/join_clips.py',
        'data/hmdb51_jhmdb21/videos',
        joined,
        '--background',
        'sit',
        'stand',
        'walk',
        '--eventless',
        0,
        '--events',
        2,
        5,
        '--fps',
        30,
    )
    assert '120 train videos, 120 of them with events' in text
    run(
        tmp_path,
        ROOT / 'tools/train.py',
        configs / 'encoder_untrimmed_jhmdb21.py',
        '--work-dir',
        'encoder',
    )
    encoder = [
        '--encoder-config',
        configs / 'encoder_untrimmed_jhmdb21.py',
        '--encoder-checkpoint',
        'encoder/epoch_40.pth',
    ]
    text = run(
        tmp_path,
        ROOT / 'tools/downstream.py',
        'tal',
        '--config',
        configs / 'tal_tridet_jhmdb21.py',
        '--seeds',
        0,
        1,
        2,
        '--videos',
        joined / 'videos',
        '--stride',
        4,
        '--align',
        'centre',
        *encoder,
        '--work-dir',
        'tal',
        '--annotations',
        joined / 'segments.json',
    )
    print(text[-2500:])
    (records,) = json.loads((tmp_path / 'tal/results.json').read_text())['rows'].values()
    # chance, of 18 classes: a class told at random is right once in 18 times
    assert all(record['metrics']['tal/mAP@0.5'] > 100 / 18 for record in records)
    (weights,) = (tmp_path / 'tal/detector/seed0').glob('epoch_*.pth')
    text = run(
        tmp_path,
        ROOT / 'tools/downstream.py',
        'tal',
        '--detect',
        joined / 'videos/test_0000.avi',
        '--checkpoint',
        weights,
        *encoder,
        '--out',
        'detected',
    )
    assert 'candidates' in text
    assert {path.suffix for path in (tmp_path / 'detected').iterdir()} == {'.json', '.png'}
