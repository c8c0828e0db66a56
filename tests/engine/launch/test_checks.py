"""What would stop a training late is said before its first step, and what makes what is missing."""

import re

import pytest
from mmaction.evaluation import AccMetric
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from albar_mm.engine import launch
from albar_mm.engine.launch.checks import check_save_best, named_weights, undownloaded
from albar_mm.engine.launch.data import cure
from albar_mm.evaluation import BiasMetric, StaticContrastMetric
from albar_mm.utils.errors import LaunchError
from albar_mm.utils.lock import sole_use

LISTS = 'python tools/prepare_dataset.py {} --videos <folder of the videos> --lists '


@pytest.mark.parametrize(
    ('text', 'options', 'wanted'),
    [
        ('a.mp4 0\nb.mp4 9\n', '', 'b.mp4: has label 9, but the model has 2 .*num_classes=10'),
        ('a.mp4 0\nb.mp4 -1\n', '', 'b.mp4: has no label, as 1 of 2'),
        ('http://h/x.mp4 0\n', 'dataset.data_prefix.video=', 'http://h/x.mp4: is an address'),
        ('a.mp4 0\n', 'default_hooks.checkpoint.save_best=new/x', 'checkpoint.rule to greater'),
        ('a.mp4 0\n', 'drop_last=True', '1 videos are fewer than a batch of 2.*batch_size=1'),
        (None, 'dataset.ann_file=/dev/zero', 'ann_file: .*/dev/zero: is a pipe or a device'),
        (None, 'dataset.ann_file=/', 'ann_file: annotation file /: is a folder, not a file'),
        (
            'a.mp4 0\n',
            "param_scheduler=[{'type':'LinearLR','end':0.3,'convert_to_iter_based':True}]",
            r'param_scheduler.0 \(LinearLR\): no step lies in epochs 0 to 0.3.*0.end=1\)',
        ),
        (
            'a.mp4 0\n',
            'default_hooks.checkpoint.save_best=val/top1',
            'gives no val/top1 .*; it gives acc/top1, acc/top5, acc/mean1: name one',
        ),
        (None, 'model.backbone.pretrained=gone.pth', 'pretrained: checkpoint gone.pth: no such'),
    ],
)
def test_before_the_first_step(toy_config, tmp_path, monkeypatch, text, options, wanted):
    monkeypatch.setattr(Runner, 'train', lambda self: pytest.fail('it begins'))
    given = {}
    if text:
        (tmp_path / 'list.txt').write_text(text)
        given['train_dataloader.dataset.ann_file'] = str(tmp_path / 'list.txt')
    if options:
        key, _, value = options.partition('=')
        key = f'train_dataloader.{key}' if key.startswith(('dataset', 'drop')) else key
        given[key] = eval(value) if value[:1] in '[T' and value else value
    with pytest.raises(LaunchError, match=wanted):
        launch.train(toy_config, work_dir=str(tmp_path / 'w'), cfg_options=given)


@pytest.mark.parametrize(
    ('key', 'metrics', 'wanted'),
    [
        ('auto', [AccMetric()], ''),
        (None, [AccMetric()], ''),
        (['acc/top1', 'acc/mean1'], [AccMetric()], ''),
        ('acc/RGBPose_1:1_top1', [AccMetric()], ''),  # of a recogniser of two streams
        ('val/contrast', [AccMetric(), StaticContrastMetric()], ''),
        ('scuba/avg', [BiasMetric()], ''),  # depends on the sets
        ('acc/tpo1', [AccMetric()], "did you mean 'acc/top1'"),
        ('acc/top1', [AccMetric('mean_class_accuracy')], 'it gives acc/mean1: name'),
        ('val/contrat', [StaticContrastMetric()], "did you mean 'val/contrast'"),
        ('acc/top1', [BiasMetric(prefix='bias')], 'it gives bias/...: name one of them .*=auto'),
    ],
)
def test_scores_that_checkpoints_are_chosen_by(key, metrics, wanted):
    if not wanted:
        check_save_best(key, metrics)
        return
    with pytest.raises(LaunchError, match=wanted):
        check_save_best(key, metrics)


@pytest.mark.parametrize(
    ('path', 'name', 'wanted'),
    [
        ('data/motion_sprites/val.txt', 'ann_file', 'tools/prepare_dataset.py motion_sprites'),
        ('data/hmdb51/train_split1.txt', 'ann_file', LISTS.format('hmdb51')),
        ('data/hmdb51/trainval_split1.txt', 'ann_file', LISTS.format('hmdb51')),
        ('data/kinetics400/trainval.txt', 'ann_file', LISTS.format('kinetics400')),
        ('/d/ucf101/val_split2.txt', 'ann_file', '--split 2 --out /d/ucf101'),
        ('data/hmdb51/videos', 'data_prefix.video', LISTS.format('hmdb51')),
        ('data/hmdb51/mine.txt', 'ann_file', 'add --cfg-options d.ann_file=<path>'),
        ('data/kinetics400/test_split1.txt', 'ann_file', 'add --cfg-options'),
        ('data/ucf101/bias_boxes', 'bias_root', 'bias_benchmark.py build ucf101-boxes --masks'),
        ('own/bias', 'bias_root', 'build <name> --list <test list> .* --out own/bias'),
        ('data/hmdb51/masks', 'mask_root', 'add --cfg-options d.mask_root=<path>'),
    ],
)
def test_the_command_that_makes_it(path, name, wanted):
    assert re.search(wanted, cure(f'd.{name}', path))


def test_two_trainings_in_one_folder(toy_config, tmp_path, monkeypatch):
    monkeypatch.setattr(Runner, 'train', lambda self: None)
    with sole_use(tmp_path / 'w'):
        launch.train(toy_config, work_dir=str(tmp_path / 'w'))  # of one process, as in a comparison
    assert not (tmp_path / 'w/.lock').exists()


@pytest.mark.parametrize(
    ('backbone', 'load_from', 'key', 'advice'),
    [
        (
            dict(type='SwinTransformer3D', pretrained='http://h/other.pth'),
            'http://h/w.pth',
            'load_from',
            'load_from=<file>; load_from=None begins at random; tools/convert_checkpoint.py makes '
            "such a file of torchvision's swin3d_t, see docs/data.md",
        ),
        (
            dict(type='SwinTransformer3D', pretrained='http://h/w.pth', pretrained2d=True),
            'here.pth',
            'model.backbone.pretrained',
            'model.backbone.pretrained=<file>; model.backbone.pretrained=None '
            'model.backbone.pretrained2d=False begins at random',
        ),
        (
            dict(type='ResNet3d', pretrained='torchvision://resnet50'),  # a name for one
            None,
            'model.backbone.pretrained',
            'model.backbone.pretrained=<file>; model.backbone.pretrained=None begins at random',
        ),
    ],
)
def test_what_to_do_without_a_network(backbone, load_from, key, advice):
    cfg = Config(dict(model=dict(backbone=backbone), load_from=load_from))
    assert undownloaded(cfg, 'http://h/w.pth') == (key, f'--cfg-options {advice}')


@pytest.mark.parametrize('where', ['load_from', 'model.backbone.pretrained'])
def test_the_advised_options_build_a_network_at_random(where):
    """None is what they say, of the two starts that shipped configs have."""
    name = 'hmdb51' if where == 'load_from' else 'kinetics400'
    cfg = launch.load_config(f'albar_mm::erm_{name}.py')
    _, advice = undownloaded(cfg, dict(named_weights(cfg))[where])
    given = advice.split('; ')[1].removesuffix(' begins at random').split()
    cfg = launch.load_config(f'albar_mm::erm_{name}.py', given)
    assert named_weights(cfg) == []
    init_default_scope('mmaction')
    cfg.model.backbone.arch = dict(embed_dims=96, depths=[1] * 4, num_heads=[3, 6, 12, 24])
    MODELS.build(cfg.model).init_weights()
