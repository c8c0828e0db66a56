"""Reference networks of StillMix: every config builds, sees single frames, trains as published."""

from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS, METRICS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from albar_mm.preparation.frame_bank.scoring import number_of_classes, scoring_steps
from tests.video_files import write_video

FOLDER = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted((FOLDER / 'stillmix' / 'reference').glob('*.py'))
CLASSES = dict(hmdb51=51, ucf101=101, kinetics400=400, jhmdb21=21, sprites=8)
FULL_SIZE = [path for path in CONFIGS if 'resnet18' not in path.stem]


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp('video') / 'a.avi', 40))


def test_there_is_one_for_every_dataset():
    full = {f'{net}_{name}' for net in ('resnet50', 'swin_tiny') for name in list(CLASSES)[:3]}
    assert {path.stem for path in CONFIGS} == full | {'resnet18_jhmdb21', 'resnet18_sprites'}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_builds_and_sees_the_videos_of_the_main_network(path, video):
    cfg = Config.fromfile(path)
    name = path.stem.rpartition('_')[2]
    main = Config.fromfile(FOLDER / f'erm_{name}.py')
    init_default_scope(cfg.default_scope)
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    parts = {'train': train, 'test': test}
    if path in FULL_SIZE:  # the whole official list, as configs/erm/
        main = Config.fromfile(next((FOLDER / 'erm').glob(f'*_2xb*_{name}-rgb.py')))
        assert cfg.get('val_dataloader') is cfg.get('val_evaluator') is cfg.get('val_cfg') is None
    else:
        parts['val'] = cfg.val_dataloader.dataset
    for part, ours in parts.items():
        theirs = main[f'{part}_dataloader'].dataset
        theirs = theirs.dataset if part == 'val' else theirs
        assert {**ours, 'pipeline': 0} == {**theirs, 'pipeline': 0}
    model = MODELS.build(cfg.model).eval()
    assert model.cls_head.num_classes == test.num_classes == CLASSES[name] == number_of_classes(cfg)
    shapes, inputs = set(), []
    for settings in parts.values():
        dataset = DATASETS.build(dict(settings, lazy_init=True))
        inputs.append(
            dataset.pipeline(dict(filename=video, label=0, start_index=0, modality='RGB'))['inputs']
        )
        shapes.add(tuple(inputs[-1].shape))
    side = dict(jhmdb21=56, sprites=32).get(name, 224)
    assert shapes == {(1, 3, side, side) if 'resnet' in path.stem else (1, 3, 1, side, side)}
    assert torch.equal(inputs[1], inputs[-1])  # one view, of validation and of testing
    batch = model.data_preprocessor(dict(inputs=inputs[:1], data_samples=[]))
    with torch.no_grad():
        logits = model(batch['inputs'], mode='tensor', stage='head')
    assert logits.shape == (1, CLASSES[name])
    kinds = ['Resize', 'FormatShape', 'PackActionInputs']
    assert [step['type'] for step in scoring_steps(cfg)] == kinds
    assert scoring_steps(cfg)[0] == dict(type='Resize', scale=(side, side), keep_ratio=False)
    assert METRICS.build(cfg.test_evaluator)
    assert cfg.default_hooks.checkpoint.save_best is None  # the last weights are kept


@pytest.mark.parametrize('path', FULL_SIZE, ids=lambda p: p.stem)
def test_full_size_training_is_the_published_one(path):
    cfg = Config.fromfile(path)
    rate, batch, resized = (0.04, 256, 256) if 'resnet' in path.stem else (0.01, 64, 232)
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=rate, momentum=0.0, weight_decay=1e-5)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == batch
    assert cfg.train_cfg.max_epochs == 50 and len(cfg.param_scheduler) == 1
    step = cfg.param_scheduler[0]
    assert (step.type, step.milestones, step.gamma) == ('MultiStepLR', [20, 40], 0.1)
    pipeline = {step.type: step for step in cfg.train_dataloader.dataset.pipeline}
    assert list(pipeline)[3:6] == ['Resize', 'Flip', 'RandomCrop']
    assert pipeline['Resize'].scale == (resized, resized) and not pipeline['Resize'].keep_ratio
    assert pipeline['RandomCrop'].size == 224 and pipeline['Flip'].flip_ratio == 0.5
    sample = pipeline['SampleFrames']
    assert (sample.clip_len, sample.num_clips, sample.get('test_mode')) == (1, 1, None)
    assert cfg.model.cls_head.dropout_ratio == 0 and cfg.model.backbone.pretrained


def test_any_frame_of_a_video_is_drawn():
    """Uniformly, the first and the last among them."""
    cfg = Config.fromfile(FOLDER / 'stillmix' / 'reference' / 'resnet50_hmdb51.py')
    init_default_scope('mmaction')
    sample = TRANSFORMS.build(cfg.train_dataloader.dataset.pipeline[1])
    video = dict(total_frames=10, start_index=0)
    drawn = [int(sample(dict(video))['frame_inds'][0]) for _ in range(2000)]
    counts = torch.bincount(torch.tensor(drawn), minlength=10)
    assert len(counts) == 10 and (counts - 200).abs().max() < 70  # 5 standard deviations


@pytest.fixture
def swin():
    cfg = Config.fromfile(FOLDER / 'stillmix' / 'reference' / 'swin_tiny_hmdb51.py')
    init_default_scope('mmaction')
    torch.manual_seed(0)
    small = dict(embed_dims=12, depths=[2, 2, 1, 1], num_heads=[1, 2, 3, 3])
    return dict(cfg.model.backbone, arch=small)


def test_swin_is_a_2d_network(swin):
    """Frames of a clip do not see each other: each gives what it gives alone."""
    model = MODELS.build(swin)
    model.eval()  # which gives back nothing here
    clip = torch.randn(1, 3, 3, 64, 64)
    with torch.no_grad():
        together = model(clip)
        alone = torch.cat([model(clip[:, :, t : t + 1]) for t in range(3)], 2)
    assert torch.allclose(together, alone, atol=1e-5)


def test_2d_weights_fill_swin_whole(swin, tmp_path):
    """Named as in the ImageNet file of Swin, whose patches have no time axis."""
    state = {
        key.replace('norm3.', 'norm.'): torch.randn_like(value)
        for key, value in MODELS.build(swin).state_dict().items()
        if 'relative_position_index' not in key
    }
    state['patch_embed.proj.weight'] = state['patch_embed.proj.weight'].squeeze(2)
    torch.save(dict(model=dict(state)), tmp_path / 'swin.pth')
    model = MODELS.build(dict(swin, pretrained=str(tmp_path / 'swin.pth')))
    model.init_weights()
    for name, value in model.named_parameters():
        given = state[name.replace('norm3.', 'norm.')]
        assert torch.equal(value.detach(), given.reshape(value.shape)), name
