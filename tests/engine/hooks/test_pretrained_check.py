import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger

from albar_mm.engine import launch
from albar_mm.engine.hooks import PretrainedCheck
from tests import toy_recognizers as toys


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(logging.Logger, 'warning', lambda self, text, *_: lines.append(str(text)))
    return lines


def runner(model, **cfg):
    return SimpleNamespace(
        model=model, cfg=ConfigDict(cfg), work_dir='work', logger=MMLogger.get_current_instance()
    )


def network(backbone=toys.R3D, **head):
    return toys.build(backbone=backbone, cls_head=toys.head(8, **head))


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def drop(state, share):
    """Without the last tensors of the backbone."""
    names = [n for n in state if n.startswith('backbone.') and 'num_batches' not in n]
    for name in names[round(len(names) * (1 - share)) :]:
        del state[name]
    return state, len(names)


def test_backbone_must_be_filled(said):
    model = network()
    hook, run = PretrainedCheck(), runner(model, load_from='some.pth')
    hook.after_load_checkpoint(run, dict(state_dict=state_of(model)))
    assert said == []
    state, count = drop(state_of(model), 0.05)
    hook.after_load_checkpoint(run, dict(state_dict=state))
    assert len(said) == 1 and f'leaves {round(count * 0.05)} tensors at random' in said[0]
    state, _ = drop(state_of(model), 0.15)
    left = round(count * 0.85)
    few = f'load_from=some.pth fills {left} of {count} tensors of the backbone, fewer than 90%'
    with pytest.raises(launch.LaunchError, match=few):
        hook.after_load_checkpoint(run, dict(state_dict=state))
    PretrainedCheck(min_loaded=0.8).after_load_checkpoint(run, dict(state_dict=state))
    with pytest.raises(ValueError, match='min_loaded: expected .* from 0 to 1'):
        PretrainedCheck(min_loaded=2)


def test_another_head_is_listed(said):
    given = state_of(network(num_classes=7))
    given['extra.weight'] = torch.ones(1)
    hook = PretrainedCheck()
    model = network()
    hook.after_load_checkpoint(runner(model, load_from='x.pth'), dict(state_dict=given))
    assert 'cls_head.fc_cls.weight (3, 8): of shape (7, 8)' in said[0]
    assert 'cls_head.fc_cls.bias (3,): of shape (7,)' in said[0] and 'backbone' not in said[0]
    assert 'holds 1 tensors that the model has not, as extra.weight' in said[1]
    again = runner(model, load_from='x.pth', resume=True)
    with pytest.raises(launch.LaunchError, match='x.pth does not fit the model: 2 of its'):
        hook.after_load_checkpoint(again, dict(state_dict=given))


def weights_2d():
    """A 2D network of the same form, under torchvision's names."""
    state = {}
    for name, value in network().backbone.state_dict().items():
        name = name.replace('downsample.conv', 'downsample.0')
        name = name.replace('downsample.bn', 'downsample.1')
        for part in ('1', '2'):
            name = name.replace(f'conv{part}.conv', f'conv{part}')
            name = name.replace(f'conv{part}.bn', f'bn{part}')
        value = value[:, :, 0] if value.ndim == 5 else value
        state[name] = torch.randn_like(value) if value.is_floating_point() else value
    return state


@pytest.mark.parametrize('kind', ['inflated', 'init_cfg', 'foreign', 'none'])
def test_backbone_weights_are_recognised_by_value(kind, tmp_path, said):
    """Inflation divides a 2D kernel by its new length in time; the sum over time is the kernel."""
    path, backbone = str(tmp_path / 'weights.pth'), dict(toys.R3D)
    if kind in ('inflated', 'foreign'):
        state = weights_2d()
        if kind == 'foreign':
            state = {f'net.{name}': value for name, value in state.items()}
        torch.save(state, path)
        backbone.update(pretrained=path, pretrained2d=True, inflate=((1, 1), (1, 1)))
    if kind == 'init_cfg':
        source = network().backbone
        with torch.no_grad():
            for value in source.state_dict().values():
                if value.is_floating_point():
                    value.normal_()
        torch.save(source.state_dict(), path)
        backbone['pretrained'] = None
        backbone['init_cfg'] = dict(type='Pretrained', checkpoint=path)
    model = network(backbone)
    if kind == 'init_cfg':
        from mmengine.model.weight_init import initialize

        initialize(model.backbone, model.backbone.init_cfg)
    elif kind != 'none':
        model.init_weights()
    hook, run = PretrainedCheck(), runner(model)
    if kind == 'foreign':
        with pytest.raises(launch.LaunchError, match=f'model.backbone: {path} fills 0 of'):
            hook.before_train(run)
    else:
        hook.before_train(run)


def test_tools_refuse_another_models_weights(toy_config, tmp_path):
    torch.save(dict(state_dict={'encoder.weight': torch.ones(2)}), tmp_path / 'other.pth')
    work, options = str(tmp_path / 'run'), dict(load_from=str(tmp_path / 'other.pth'))
    with pytest.raises(launch.LaunchError, match='other.pth fills 0 of .* tensors of the backbone'):
        launch.train(toy_config, work_dir=work, no_validate=True, cfg_options=options)
