"""A debiased model's checkpoint is that of the stock recogniser."""

import copy
import json

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import load_checkpoint

from albar_mm.debias.methods import METHODS, debias
from albar_mm.engine import launch
from albar_mm.engine.checkpoints.convert import strip_checkpoint

OPTIONS = dict.fromkeys(('val_dataloader', 'val_evaluator', 'val_cfg', 'load_from'))
OPTIONS |= dict(train_cfg=dict(max_epochs=1), train_dataloader=dict(drop_last=True))


@pytest.fixture(scope='module')
def files(tmp_path_factory, toy_videos):
    """Boxes and scenes of the toy videos: the square is the person, the grey is the scene."""
    folder = tmp_path_factory.mktemp('files')
    boxes, scenes = [], []
    for index in range(8):
        name = f'clip_{index}.mp4'
        xs = [4 * (t if index % 2 == 0 else 11 - t) for t in range(12)]
        boxes.append(dict(video=name, boxes=[[[x, 24, x + 16, 40, 0.9]] for x in xs]))
        scenes.append(dict(video=name, scene=index // 2))
    for stem, rows in (('boxes', boxes), ('scenes', scenes)):
        text = ''.join(json.dumps(row) + '\n' for row in rows)
        (folder / f'{stem}.jsonl').write_text(text)
    return folder


@pytest.mark.parametrize('method', METHODS)
def test_loads_strictly_into_the_stock_config_and_predicts_the_same(
    method, files, toy_config, tmp_path
):
    stock = launch.load_config(toy_config, OPTIONS)
    boxes, scenes = files / 'boxes.jsonl', files / 'scenes.jsonl'
    needed = dict(sdn=dict(scenes=scenes, boxes=boxes), actorcutmix=dict(boxes=boxes))
    cfg = debias(stock, method, **needed.get(method, {}))
    runner = launch.train(cfg, work_dir=str(tmp_path / 'work'), seed=0)
    trained = runner.model.eval()
    path = tmp_path / 'work' / 'epoch_1.pth'
    if method == 'sdn':
        strip_checkpoint(path, tmp_path / 'stripped.pth')
        path = tmp_path / 'stripped.pth'
    init_default_scope('mmaction')
    plain = MODELS.build(stock.model).eval()
    load_checkpoint(plain, str(path), strict=True)
    pairs = zip(plain.buffers(), MODELS.build(stock.model).buffers(), strict=True)
    assert any(not torch.equal(trained, untrained) for trained, untrained in pairs)
    for data in runner.build_dataloader(stock.test_dataloader):
        ours, theirs = trained.test_step(copy.deepcopy(data)), plain.test_step(data)
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a.pred_score, b.pred_score)
