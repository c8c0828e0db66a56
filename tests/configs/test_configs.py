"""Every shipped config parses, builds its model, and keeps validation apart from test."""

from pathlib import Path

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

CONFIGS = sorted((Path(__file__).parents[2] / 'configs').glob('*.py'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_builds_and_never_validates_on_a_test_list(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    assert model.cls_head.num_classes == cfg.test_dataloader.dataset.num_classes
    assert ('static' in cfg.model) == path.stem.startswith('albar')
    lists = {cfg.train_dataloader.dataset.ann_file, cfg.val_dataloader.dataset.dataset.ann_file,
             cfg.test_dataloader.dataset.iid.ann_file}
    assert len(lists) == 3
    assert cfg.val_evaluator.type == 'StaticContrastMetric'
    assert cfg.default_hooks.checkpoint.save_best == 'val/contrast'


@pytest.mark.parametrize('name', ['hmdb51', 'sprites'])
def test_albar_differs_from_its_baseline_only_in_the_static_pass(name):
    folder = CONFIGS[0].parent
    plain = Config.fromfile(folder / f'erm_{name}.py').to_dict()
    albar = Config.fromfile(folder / f'albar_{name}.py').to_dict()
    albar.pop('albar_static', None)
    assert {t['type'] for t in albar['model'].pop('static')['losses']} == {
        'StaticAdversarialLoss', 'StaticEntropyLoss', 'StaticGradientPenalty'}
    assert albar['model'].pop('type') == 'ALBARRecognizer3D'
    assert albar['model']['data_preprocessor'].pop('type') == 'StaticDataPreprocessor'
    plain['model'].pop('type')
    plain['model']['data_preprocessor'].pop('type')
    for pipeline in (albar['train_dataloader']['dataset']['pipeline'], albar['train_pipeline']):
        assert pipeline.pop() == dict(type='StaticClip', frame='random')
    assert albar == plain


def test_hmdb51_uses_the_papers_weights():
    static = Config.fromfile(CONFIGS[0].parent / 'albar_hmdb51.py').model.static
    assert [(t.type, t.weight) for t in static.losses] == [
        ('StaticAdversarialLoss', 1.), ('StaticEntropyLoss', 4.), ('StaticGradientPenalty', 10.)]
    assert static.losses[2].reduction == 'official' and static.losses[0].get('cap') is None
