import json
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmaction.structures import ActionDataSample
from mmengine.dist import get_rank

from albar_mm.engine import launch
from albar_mm.engine.hooks import BadVideoHook
from tests.processes import in_processes
from tests.video_files import write_video


@pytest.fixture
def videos(tmp_path):
    """Eight videos, the sixth cut; annotation lists each three times."""
    root = tmp_path / 'videos'
    root.mkdir()
    for index in range(8):
        write_video(root / f'v{index}.avi')
    whole = (root / 'v5.avi').read_bytes()
    (root / 'v5.avi').write_bytes(whole[: len(whole) // 2])
    lines = [f'v{index}.avi {index % 2}\n' for index in range(8)] * 3
    (root / 'list.txt').write_text(''.join(lines))
    return root


def settings(toy_config, videos, max_share, **changes):
    cfg = launch.load_config(toy_config)
    data = cfg.train_dataloader.dataset
    place = dict(ann_file='list.txt', data_root=str(videos), data_prefix=dict(video=''))
    data.update(type='RobustVideoDataset', **place)
    data.pipeline[0].type, data.pipeline[2].type = 'OpenCVInit', 'OpenCVDecode'
    cfg.custom_hooks = [dict(type='BadVideoHook', max_share=max_share)]
    cfg.merge_from_dict(changes)
    return cfg


def listed(work_dir):
    return [json.loads(line) for line in (work_dir / 'bad_videos.jsonl').read_text().splitlines()]


def test_every_epochs_bad_videos_are_listed(toy_config, videos, tmp_path):
    """3 of 24 items are replaced in each epoch; a resumed run keeps finished epochs only."""
    cfg, work = settings(toy_config, videos, max_share=0.125), tmp_path / 'run'
    runner = launch.train(cfg, work_dir=str(work), no_validate=True)
    rows = listed(work)
    found = [(row['epoch'], row['times'], Path(row['video']).name) for row in rows]
    assert found == [(1, 3, 'v5.avi'), (2, 3, 'v5.avi')]
    assert 'truncated' in rows[0]['reason']
    assert runner.iter == 24
    (log,) = work.rglob('*.log')
    assert 'epoch 2: 3 of 24 items (12.50%) stand in for videos' in log.read_text()

    (work / 'last_checkpoint').write_text(str(work / 'epoch_1.pth'))
    launch.train(cfg, work_dir=str(work), no_validate=True, resume=True)
    assert listed(work) == rows


@pytest.mark.parametrize('loop', ['epoch', 'iteration'])
def test_too_many_stop_the_training(toy_config, videos, tmp_path, loop):
    by_iter = dict(type='IterBasedTrainLoop', max_iters=30, _delete_=True)
    changes = dict(train_cfg=by_iter, param_scheduler=None) if loop == 'iteration' else {}
    cfg = settings(toy_config, videos, max_share=0.1, **changes)
    with pytest.raises(launch.LaunchError) as caught:
        launch.train(cfg, work_dir=str(tmp_path / 'run'), no_validate=True)
    text = str(caught.value)
    assert 'epoch 1: 3 of ' in text and 'more than max_share = 10.00%' in text
    assert str(videos / 'v5.avi') in text and 'bad_videos.jsonl' in text and '\n' not in text
    assert listed(tmp_path / 'run')[0]['times'] == 3
    assert not list((tmp_path / 'run').glob('*.pth'))


def one_of_two_processes():
    """Twelve items in each, two bad ones in the first and one in the second."""
    bad = dict(replaced='v5.avi', replaced_reason='truncated')
    samples = [ActionDataSample(metainfo=bad if i < 2 - get_rank() else {}) for i in range(12)]
    run = SimpleNamespace(work_dir='.', world_size=2, iter=0, epoch=0, train_loop=None)
    run.train_dataloader, run.logger = [samples], logging.getLogger()
    with pytest.raises(ValueError, match='max_share: expected .* from 0 to 1'):
        BadVideoHook(max_share=1.5)
    hook = BadVideoHook(max_share=0.1249)
    hook.before_train(run)
    hook.after_train_iter(run, 0, dict(data_samples=samples))  # not too many of either alone
    with pytest.raises(launch.LaunchError) as caught:
        hook.after_train_epoch(run)
    return str(caught.value), Path('bad_videos.jsonl').read_text() if get_rank() == 0 else ''


def test_share_is_that_of_all_processes(tmp_path):
    (first, listing), (second, _) = in_processes(one_of_two_processes, tmp_path)
    assert first == second and 'epoch 1: 3 of 24 items (12.50%)' in first
    assert json.loads(listing)['times'] == 3
