"""Any recogniser as an encoder: what its features are, and what does not fit."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from albar_mm.engine.launch import load_config
from albar_mm.utils.errors import LaunchError
from downstream.features.encoder import FrozenEncoder, spatial_steps
from downstream.features.encoder import test_pipeline as pipeline_of

FRAMES = np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), np.uint8)


@pytest.fixture
def config_2d(toy_config):
    """TSN with a small ResNet, three crops."""
    cfg = load_config(toy_config)
    head = dict(type='TSNHead', num_classes=2, in_channels=512, dropout_ratio=0.4)
    preprocessor = dict(mean=[9.0] * 3, std=[8.0] * 3, format_shape='NCHW')
    cfg.model = dict(
        type='Recognizer2D',
        backbone=dict(type='ResNet', depth=18, pretrained=None),
        cls_head=dict(head, consensus=dict(type='AvgConsensus', dim=1)),
        data_preprocessor=dict(type='ActionDataPreprocessor', **preprocessor),
        test_cfg=dict(max_testing_views=1),
    )
    cfg.test_dataloader.dataset.pipeline = [
        dict(type='DecordInit'),
        dict(type='SampleFrames', clip_len=1, num_clips=5),
        dict(type='DecordDecode'),
        dict(type='Resize', scale=(-1, 32)),
        dict(type='ThreeCrop', crop_size=32),
        dict(type='FormatShape', input_format='NCHW'),
        dict(type='PackActionInputs'),
    ]
    return cfg


def snippets(encoder, count=3, length=4):
    seen = encoder.view(FRAMES)
    found = [seen[start : start + length].swapaxes(0, 1) for start in range(count)]
    return torch.from_numpy(np.stack([encoder.formatted(each) for each in found]))


def like(encoder, **options):
    """Another encoder with the same weights."""
    other = FrozenEncoder(encoder.cfg, None, **options)
    other.model.load_state_dict(encoder.model.state_dict())
    return other


def classified(encoder, features):
    return encoder.model.cls_head.fc_cls(features)


def test_pooled_features_of_a_3d_recogniser(toy_config):
    encoder = FrozenEncoder(toy_config, None)
    batch = snippets(encoder)
    assert batch.shape == (3, 1, 3, 4, 32, 32) and batch.dtype == torch.uint8
    features = encoder.encode(batch)
    assert features.shape == (3, 1, 32) and features.dtype == torch.float32
    alone = torch.cat([encoder.encode(one[None]) for one in batch])
    assert torch.allclose(features, alone, atol=1e-6)
    with torch.no_grad():  # by hand
        inputs = (batch[:, 0].float() - 128) / 64
        maps = encoder.model.backbone(inputs)
    assert torch.allclose(features[:, 0], maps.mean((2, 3, 4)), atol=1e-6)
    logits, level = like(encoder, level='logits'), like(encoder, level='backbone.layer2')
    assert torch.allclose(logits.encode(batch), classified(encoder, features), atol=1e-6)
    stem = encoder.model.backbone
    with torch.no_grad():  # any module is a level
        maps = stem.layer2(stem.pool2(stem.layer1(stem.maxpool(stem.conv1(inputs)))))
    assert torch.allclose(level.encode(batch)[:, 0], maps.mean((2, 3, 4)), atol=1e-6)
    plain = FrozenEncoder(toy_config, None)
    batch = snippets(plain)
    wanted = plain.encode(batch)
    for options, tolerance in ((dict(channels_last=True), 1e-5), (dict(amp=True), 0.05)):
        found = like(plain, **options).encode(batch)
        assert torch.allclose(found, wanted, atol=tolerance * wanted.abs().max())


def test_crops_of_a_2d_recogniser_stay_apart(config_2d):
    encoder = FrozenEncoder(config_2d, None)
    batch = snippets(encoder, 2, 5)
    assert batch.shape == (2, 3, 5, 3, 32, 32)
    features = encoder.encode(batch)
    assert features.shape == (2, 3, 512)
    logits = like(encoder, level='logits')
    # the mean over frames comes before or after the linear layer: it is the same
    assert torch.allclose(logits.encode(batch), classified(encoder, features), atol=1e-5)
    inputs = encoder.model.data_preprocessor(dict(inputs=list(batch[:, 1]), data_samples=None))
    predicted, kwargs = encoder.model.extract_feat(inputs['inputs'])
    by_model = encoder.model.cls_head(predicted, **kwargs)
    assert torch.allclose(logits.encode(batch)[:, 1], by_model, atol=1e-5)


def test_weights_that_differ_and_a_head_of_other_classes(toy_config, tmp_path):
    one = FrozenEncoder(toy_config, None)
    state = one.model.state_dict()
    backbone = {key: value for key, value in state.items() if not key.startswith('cls_head')}
    torch.save(dict(state_dict=state), tmp_path / 'whole.pth')
    torch.save(backbone, tmp_path / 'backbone.pth')
    assert FrozenEncoder(toy_config, tmp_path / 'whole.pth').identity() == one.identity()
    other = FrozenEncoder(toy_config, tmp_path / 'backbone.pth')
    assert other.identity()['weights_sha256'] != one.identity()['weights_sha256']
    batch = snippets(one)
    assert torch.equal(one.encode(batch), other.encode(batch))
    with pytest.raises(LaunchError, match='as cls_head.fc_cls.weight'):
        FrozenEncoder(toy_config, tmp_path / 'backbone.pth', level='logits')


def test_the_views_of_a_pipeline(config_2d):
    steps = pipeline_of(config_2d)
    assert [step['type'] for step in spatial_steps(steps)] == ['Resize', 'ThreeCrop']
    assert spatial_steps(steps, 10)[-1] == dict(type='TenCrop', crop_size=32)
    for crops in (1, 3, 10):
        encoder = FrozenEncoder(config_2d, None, crops=crops)
        assert encoder.view(FRAMES).shape == (12, crops, 32, 32, 3)
        assert encoder.encode(snippets(encoder, 1)).shape == (1, crops, 512)
    jitter = [*steps[:4], dict(type='ColorJitter'), *steps[4:]]
    for wrong, crops, message in (
        (jitter, None, 'ColorJitter between decoding and FormatShape'),
        ([*steps[:4], *steps[5:]], 10, 'no crop step'),
        (steps, 5, 'crops must be one of 1, 3, 10, got 5'),
    ):
        with pytest.raises(LaunchError, match=message):
            spatial_steps(wrong, crops)


def test_what_does_not_fit(toy_config, tmp_path):
    with pytest.raises(LaunchError, match='gone.pth: no such file'):
        FrozenEncoder(toy_config, 'gone.pth')
    torch.save({'a': torch.zeros(1)}, tmp_path / 'a.pth')
    with pytest.raises(LaunchError, match=r'a.pth does not fit the model of .*toy.py: \d+ of its'):
        FrozenEncoder(toy_config, tmp_path / 'a.pth')
    with pytest.raises(LaunchError, match="level 'backbone.layer9': expected pooled, logits or a"):
        FrozenEncoder(toy_config, None, level='backbone.layer9')
    with pytest.raises(LaunchError, match='no test_dataloader with a pipeline'):
        FrozenEncoder(Config(dict(model={})), None)
