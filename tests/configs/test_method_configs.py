"""configs/<method>/: what they train is what debias() makes, in the published settings."""

import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope

from albar_mm.debias.methods import debias
from tests.video_files import write_video

FOLDER = Path(__file__).parents[2] / 'configs'
METHODS = 'mixup videomix sdn be actorcutmix fame stillmix albar albar_stillmix'.split()
DATA = dict(hmdb51=51, ucf101=101, kinetics400=400)
CASES = [(method, data) for method in METHODS for data in DATA]
STILLMIX_PROTOCOL = [case for case in CASES if not case[0].startswith('albar')]
# The published settings (Swin-T; HMDB51 and UCF101 from Kinetics-400, Kinetics-400 from ImageNet):
# probability, and the rate where it is not that of the data set.
RATE = dict(hmdb51=3.75e-4, ucf101=3.75e-4, kinetics400=7.5e-4)
DECAY = dict(hmdb51=0.05, ucf101=0.01, kinetics400=0.02)
PROB = dict(
    mixup=dict(hmdb51=0.75, ucf101=0.5, kinetics400=1.0),
    videomix=dict(hmdb51=0.25, ucf101=0.5, kinetics400=0.75),
    actorcutmix=dict(hmdb51=0.25, ucf101=0.5, kinetics400=0.25),
    be=dict(hmdb51=0.25, ucf101=0.5, kinetics400=0.5),
    fame=dict(hmdb51=0.5, ucf101=0.25, kinetics400=0.25),
    stillmix=dict(hmdb51=0.75, ucf101=0.25, kinetics400=0.25),
    albar_stillmix=dict(hmdb51=0.75, ucf101=0.75, kinetics400=0.75),
)
IMAGENET = dict(
    hmdb51=dict(mixup=0.75, videomix=0.75, be=0.75, fame=0.5, stillmix=0.5),
    ucf101=dict(mixup=1.0, videomix=0.75, be=0.75, fame=0.25, stillmix=0.75),
)
HALVED = dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1, short='halve')
OWN_RATE = {
    ('videomix', 'ucf101'): 1.5e-4,
    ('actorcutmix', 'ucf101'): 7.5e-5,
    ('actorcutmix', 'kinetics400'): 3.75e-4,
}
STILLMIX = dict(alpha=200.0, beta=200.0)
SETTINGS = dict(mixup=dict(alpha=0.2), videomix=dict(alpha=1.0), be=dict(scale=0.3), actorcutmix={})
SETTINGS |= dict(fame=dict(fg_fraction=0.5), stillmix=STILLMIX, albar_stillmix=STILLMIX)


START = dict(hmdb51='k400', ucf101='k400', kinetics400='in1k')
WHOLE = {
    data: f'data/{data}/trainval{"" if data == "kinetics400" else "_split1"}.txt' for data in DATA
}
PUBLISHED = sorted(FOLDER.glob('*/*-rgb.py'))


def path_of(method, data, start=None):
    """The config of a method in the setting of the papers' text."""
    size = '1xb8' if method.startswith('albar') else '2xb*'
    name = f'*_{start or START[data]}-pre_{size}-*_{data}-rgb.py'
    (found,) = (FOLDER / method).glob(name)
    return found


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A video, with a person in all of it and a scene."""
    folder = tmp_path_factory.mktemp('files')
    scene_prob = [0.0] * 364 + [1.0]
    said = dict(people=dict(boxes=[[[4, 4, 20, 20, 0.9]]] * 40), scenes=dict(scene_prob=scene_prob))
    found = dict(video=str(write_video(folder / 'a.avi', 40)))
    for name, of_video in said.items():
        path = folder / f'{name}.jsonl'
        path.write_text(json.dumps(dict(video='a.avi', **of_video)))
        found[name] = str(path)
    return found


def shallow(cfg):
    """The network with one block of each width, whole ones being built in ``test_configs.py``.

    Returns:
        The model, and its parameters' groups of the optimiser by name.
    """
    init_default_scope('mmaction')
    cfg.model.backbone.arch = dict(embed_dims=96, depths=[1] * 4, num_heads=[3, 6, 12, 24])
    model = MODELS.build(cfg.model)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    of = {id(parameter): group for group in groups for parameter in group['params']}
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert of.keys() == {id(p) for p in trained.values()}
    return model, {name: of[id(p)] for name, p in trained.items()}


def with_files(node, files):
    """The config with the files of the test in place of those of the data set."""
    if isinstance(node, dict):
        found = {key: with_files(value, files) for key, value in node.items()}
        stem = Path(str(node.get('file', ''))).stem
        return {**found, 'file': files[stem]} if stem in files else found
    if isinstance(node, (list, tuple)):
        return type(node)(with_files(value, files) for value in node)
    return node


@pytest.mark.parametrize(('method', 'data'), CASES)
def test_is_what_debias_makes(method, data, files):
    cfg = with_files(Config.fromfile(path_of(method, data)).to_dict(), files)
    erm = FOLDER / f'erm_{data}.py' if method.startswith('albar') else path_of('erm', data)
    boxes = dict(boxes=files['people'])
    options = dict(sdn=dict(scenes=files['scenes'], **boxes), actorcutmix=boxes).get(method, {})
    plain = Config.fromfile(erm)
    if method.startswith('albar'):  # configs/erm_<data>.py chooses by validation
        whole = dict(drop_last=False, dataset=dict(ann_file=WHOLE[data]))
        plain.merge_from_dict(dict(train_dataloader=whole, val_dataloader=None, val_evaluator=None))
        plain.train_dataloader.dataset.pipeline[1] = HALVED
        plain.test_dataloader.dataset.pipeline[1] = dict(HALVED, test_mode=True)
    made = debias(plain, method, **options).to_dict()
    if method == 'stillmix':
        bank = cfg['model']['data_preprocessor']['blending'].pop('bank')
        assert bank == f'data/{data}/frame_bank.npz'
    for key in ('model', 'val_dataloader', 'test_dataloader', 'val_evaluator', 'test_evaluator'):
        assert cfg[key] == made[key], key
    ours, theirs = cfg['train_dataloader'], made['train_dataloader']
    assert ours['dataset'] == theirs['dataset']
    if (method, data) != ('actorcutmix', 'kinetics400'):
        assert ours == theirs
    # what matters of two patterns is which values they average
    one, other = (of['log_processor']['mean_pattern'].split('|') for of in (cfg, made))
    assert set(one) == set(other)
    assert cfg['load_from'] == made['load_from']


@pytest.mark.parametrize(('method', 'data'), CASES)
def test_builds_and_reads_a_video(method, data, files):
    cfg = Config(with_files(Config.fromfile(path_of(method, data)).to_dict(), files))
    cfg.model.data_preprocessor.get('blending', {}).pop('bank', None)  # its file is not here
    model, _ = shallow(cfg)
    assert model.cls_head.num_classes == DATA[data]
    video = dict(filename=files['video'], label=0, start_index=0, modality='RGB')
    packed = Compose(cfg.train_dataloader.dataset.pipeline)(video)
    assert packed['inputs'].shape == (1, 3, 32, 224, 224)
    sample = packed['data_samples']
    assert ('person_boxes' in sample) == (method in ('sdn', 'actorcutmix'))
    assert ('scene_target' in sample) == (method == 'sdn')


@pytest.mark.parametrize(('method', 'data'), [('erm', data) for data in DATA] + STILLMIX_PROTOCOL)
def test_stillmix_protocol(method, data):
    cfg = Config.fromfile(path_of(method, data))
    own = OWN_RATE.get((method, data), RATE[data])
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', own, DECAY[data])
    assert tuple(optimizer.betas) == (0.9, 0.999) and 'clip_grad' not in cfg.optim_wrapper
    assert cfg.optim_wrapper.get('type', 'OptimWrapper') == 'OptimWrapper'  # fp32
    batch = 24 if (method, data) == ('actorcutmix', 'kinetics400') else 12
    assert cfg.train_dataloader.batch_size == batch and cfg.train_dataloader.drop_last
    assert cfg.auto_scale_lr == dict(enable=False, base_batch_size=2 * batch)
    assert f'_2xb{batch}-' in path_of(method, data).stem
    assert cfg.model.cls_head.dropout_ratio == 0.5 and cfg.model.backbone.drop_path_rate == 0.1
    assert cfg.train_cfg.max_epochs == 30
    # From ImageNet the 2D weights are inflated, else a whole video checkpoint is loaded.
    assert bool(cfg.load_from) == (data != 'kinetics400') == (not cfg.model.backbone.pretrained2d)


@pytest.mark.parametrize('path', PUBLISHED, ids=lambda path: path.stem)
def test_trains_on_the_whole_list_and_chooses_nothing(path):
    cfg, data = Config.fromfile(path), path.stem.rpartition('_')[2].removesuffix('-rgb')
    assert cfg.train_dataloader.dataset.ann_file == WHOLE[data]
    # as every DataLoader of ALBAR's code; StillMix's configs leave incomplete batches out
    assert cfg.train_dataloader.drop_last == ('_2xb' in path.stem)
    assert [cfg.get(key) for key in ('val_cfg', 'val_dataloader', 'val_evaluator')] == [None] * 3
    assert cfg.default_hooks.checkpoint.save_best is None
    assert cfg.train_cfg.max_epochs == (30 if '_2xb' in path.stem else 50)


@pytest.mark.parametrize('method', ['albar', 'albar_stillmix'])
def test_two_starts_of_kinetics400(method):
    """The start is all that differs: an image network inflated, or a video network whole."""
    image, video = (
        Config.fromfile(path_of(method, 'kinetics400', start)).to_dict()
        for start in ('in1k', 'k400')
    )
    backbones = [cfg['model']['backbone'] for cfg in (image, video)]
    starts = [(b.pop('pretrained'), b.pop('pretrained2d')) for b in backbones]
    assert starts[0][0] and starts[0][1] and starts[1] == (None, False)
    assert image.pop('load_from') is None
    assert video.pop('load_from') == Config.fromfile(FOLDER / 'erm_hmdb51.py').load_from
    assert image == video


@pytest.mark.parametrize('data', ['hmdb51', 'ucf101'])
def test_stillmix_from_imagenet(data):
    """The schedule of the other start; every method by --debias, with its own probability."""
    image, video = (Config.fromfile(path_of('erm', data, start)) for start in ('in1k', 'k400'))
    assert image.load_from is None and image.model.backbone.pretrained2d
    for key in ('param_scheduler', 'train_cfg', 'train_dataloader', 'default_hooks'):
        assert image[key] == video[key]
    made = {m: debias(image, m, pretraining='imagenet').model for m in IMAGENET[data]}
    found = {method: model.data_preprocessor.blending.prob for method, model in made.items()}
    assert found == IMAGENET[data]


def test_numbers_of_albars_code():
    """Rates by hand: full, five epochs from 1 to 100 %, then a cosine of 50 points to pi / 0.99."""
    (path,) = (FOLDER / 'albar').glob('*_1xb6-*.py')
    cfg = Config.fromfile(path)
    assert [term.weight for term in cfg.model.static.losses] == [1.0, 4.25, 10.0]
    assert cfg.model.static.frame == cfg.train_dataloader.dataset.pipeline[-1].frame == 'middle'
    assert cfg.train_dataloader.batch_size == 6
    assert cfg.train_dataloader.dataset.pipeline[1] == HALVED
    tested = cfg.test_dataloader.dataset.pipeline
    assert tested[1] == dict(HALVED, test_mode=True, start='first')
    assert [step.type for step in tested[2:5]] == ['DecordDecode', 'Resize', 'CenterCrop']
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-5)
    parts = [PARAM_SCHEDULERS.build(dict(s, optimizer=optimizer)) for s in cfg.param_scheduler]
    cosine = [(1 + math.cos(math.pi / 0.99 * k / 49)) / 2 for k in range(44)]
    for share in [1, 0.01, 0.2575, 0.505, 0.7525, 1, *cosine]:
        assert optimizer.param_groups[0]['lr'] == pytest.approx(1e-5 * share)
        optimizer.step()
        for part in parts:
            part.step()
    assert cosine[-1] == pytest.approx(0.0315, abs=1e-4)  # where it ends


def test_sdn_heads_take_a_rate_of_their_own():
    """As configs/sdn/README.md advises where the scene does not disappear."""
    cfg = Config.fromfile(path_of('sdn', 'hmdb51'))
    cfg.merge_from_dict(
        dict(optim_wrapper=dict(paramwise_cfg=dict(custom_keys=dict(sdn_=dict(lr_mult=10)))))
    )
    rates = {name: group['lr'] for name, group in shallow(cfg)[1].items()}
    heads = {name: rate for name, rate in rates.items() if name.startswith('sdn_')}
    assert {name.partition('.')[0] for name in heads} == {'sdn_scene_head', 'sdn_mask_head'}
    assert all(rate == pytest.approx(10 * RATE['hmdb51']) for rate in heads.values())
    assert rates['cls_head.fc_cls.weight'] == pytest.approx(RATE['hmdb51'])


def test_rates_by_epoch():
    """Warm-up multiplies a cosine over all epochs: the rule of mmcv 1, which the authors used."""
    cfg, per_epoch = Config.fromfile(path_of('erm', 'hmdb51')), 40
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    common = dict(optimizer=optimizer, epoch_length=per_epoch)
    build = partial(PARAM_SCHEDULERS.build, default_args=common)
    warmup, cosine = map(build, map(dict, cfg.param_scheduler))
    warm_steps = 2.5 * per_epoch
    for epoch in range(30):
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            left = max(0, 1 - step / warm_steps) * (1 - 0.1)
            expected = (1 - left) * (1 + math.cos(math.pi * epoch / 30)) / 2
            # MMEngine reaches the full rate one step earlier
            off = 1 / warm_steps if step < warm_steps else 1e-9
            assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, abs=off)
            warmup.step()
        cosine.step()


@pytest.mark.parametrize(('method', 'data'), [case for case in CASES if case[0] in PROB])
def test_published_settings_of_blendings(method, data):
    blending = Config.fromfile(path_of(method, data)).model.data_preprocessor.blending
    expected = dict(SETTINGS[method], prob=PROB[method][data])
    if (method, data) == ('stillmix', 'kinetics400'):
        expected.update(alpha=20.0, beta=60.0)
    common = {'type', 'num_classes', 'mean', 'std', 'bank'}
    assert {key: blending[key] for key in blending.keys() - common} == expected
