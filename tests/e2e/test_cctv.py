"""Real surveillance clips from joining to frame-level scores: the commands of docs/anomaly.md."""

import json

import pytest

from .commands import ROOT, run


@pytest.mark.slow
@pytest.mark.real_data
def test_real_surveillance_clips(real_data, tmp_path):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/cctv_fights').symlink_to(real_data / 'cctv_fights')
    joined, configs = tmp_path / 'data/cctv_untrimmed', ROOT / 'configs' / 'downstream'
    text = run(
        tmp_path,
        ROOT / 'tools/join_clips.py',
        'data/cctv_fights',
        joined,
        '--background',
        'nofight',
    )
    assert '40 test videos, 23 of them with events' in text
    run(tmp_path, ROOT / 'tools/train.py', configs / 'encoder_cctv.py', '--work-dir', 'encoder')
    encoder = [
        '--encoder-config',
        configs / 'encoder_cctv.py',
        '--encoder-checkpoint',
        'encoder/epoch_40.pth',
    ]
    text = run(
        tmp_path,
        ROOT / 'tools/downstream.py',
        'anomaly',
        '--config',
        configs / 'anomaly_mgfn_cctv.py',
        '--seeds',
        0,
        1,
        2,
        '--videos',
        joined / 'videos',
        '--stride',
        8,
        *encoder,
        '--work-dir',
        'cctv',
        '--annotations',
        joined / 'train.txt',
        joined / 'test.txt',
    )
    print(text[-2500:])
    (records,) = json.loads((tmp_path / 'cctv/results.json').read_text())['rows'].values()
    assert all(record['metrics']['frame/auc_low'] > 50 for record in records)
    run(
        tmp_path,
        ROOT / 'tools/downstream.py',
        'anomaly',
        '--score',
        joined / 'videos/test_0000.avi',
        '--checkpoint',
        'cctv/detector/seed0/epoch_4.pth',
        *encoder,
        '--out',
        'scored',
    )
    assert {path.suffix for path in (tmp_path / 'scored').iterdir()} == {'.csv', '.png', '.mp4'}
