"""SDN through the real Runner on the embedded benchmark: labels, boxes, training, stripping."""

import json

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import load_checkpoint

from albar_mm.annotations.scene_labels import scene_count
from albar_mm.datasets.motion_sprites import builder
from albar_mm.datasets.transforms import with_person_boxes, with_scene_labels
from albar_mm.engine.checkpoints.convert import strip_checkpoint
from tests.test_install import ROOT

from .runs import loader, runner, training, videos

STEPS = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='RandomResizedCrop', area_range=(0.6, 1.0)),
    dict(type='Resize', scale=(48, 48), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]


@pytest.fixture(scope='module')
def sprites(tmp_path_factory):
    """16 training clips with their scene ids and boxes."""
    root = tmp_path_factory.mktemp('sprites')
    settings = builder.SpritesSettings(train=16, val=8, test=8)
    builder._write_split(root, 'train', builder.split_clips(settings)['train'], workers=1)
    return root


def config(root, **sdn):
    labels = root / 'train.jsonl'
    cfg = Config.fromfile(ROOT / 'configs/_base_/models/resnet3d_sprites.py')
    cfg.model.type = 'SDNRecognizer3D'
    cfg.model.sdn = dict(num_scenes=scene_count(labels), **sdn)
    pipeline = with_person_boxes(with_scene_labels(STEPS, labels), labels)
    dataset = videos(root, pipeline, 'train.txt', prefix='')
    return dict(
        model=cfg.model,
        train_dataloader=loader(dataset, 6, shuffle=True),
        **training(),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        randomness=dict(seed=0),
        log_processor=dict(mean_pattern=r'.*(loss|time)|^(scene|mask)_'),
    )


@pytest.mark.parametrize('objective', ['maximise_entropy', 'as_released'])
def test_training(sprites, tmp_path, objective):
    made = runner(tmp_path, **config(sprites, mask=dict(objective=objective)))
    made.train()
    lines = next(tmp_path.glob('*/vis_data/scalars.json')).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 3  # 6 + 6 + 4 clips
    for row in rows:
        assert all(torch.isfinite(torch.tensor(float(value))) for value in row.values())
        parts = [row[key] for key in row if key.startswith('loss_')]
        assert len(parts) == 4 - (objective == 'as_released')
        assert row['loss'] == pytest.approx(sum(parts), abs=1e-4)
        assert row['mask_share'] == 1  # there is an actor in every frame
    strip_checkpoint(tmp_path / 'epoch_1.pth', tmp_path / 'plain.pth')
    plain = Config.fromfile(ROOT / 'configs/_base_/models/resnet3d_sprites.py').model
    stock = MODELS.build(plain).eval()
    load_checkpoint(stock, str(tmp_path / 'plain.pth'), strict=True)
    inputs = torch.randn(2, 1, 3, 8, 48, 48)
    trained = made.model.eval()
    assert torch.equal(stock(inputs, stage='head'), trained(inputs, stage='head'))


def test_the_actor_is_filled_and_nothing_else(sprites):
    """Against the masks that the generator wrote, in mirrored clips."""
    init_default_scope('mmaction')
    cfg = config(sprites)
    settings = cfg['train_dataloader']['dataset']
    settings['pipeline'] = [
        dict(step, flip_ratio=1.0) if step['type'] == 'Flip' else step
        for step in settings['pipeline']
        if step['type'] not in ('RandomResizedCrop', 'Resize')
    ]
    dataset, model = DATASETS.build(settings), MODELS.build(cfg['model'])
    prepared = model.data_preprocessor(pseudo_collate([dataset[i] for i in range(4)]), True)
    seen = []
    model.extract_feat = lambda clip, real=model.extract_feat, **k: (
        seen.append(clip),
        real(clip, **k),
    )[1]
    model(**prepared, mode='loss')
    clip, masked = (batch[:, 0] for batch in seen)
    for index in range(4):
        name = dataset.get_data_info(index)['filename'].rpartition('/')[2][:-4]
        actor = np.load(sprites / 'masks' / 'train' / f'{name}.npz')['mask'][:, :, ::-1]
        for t in range(8):
            rows, columns = np.flatnonzero(actor[t].any(1)), np.flatnonzero(actor[t].any(0))
            expected = clip[index, :, t].clone()
            mean = expected.mean((1, 2), keepdim=True)
            expected[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = mean
            torch.testing.assert_close(masked[index, :, t], expected)
