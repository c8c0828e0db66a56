"""Rate and weight decay of every parameter of every published config, against tables by hand.

Numbers of parameters are those that torchvision states for ``swin3d_t``, ``swin_t`` and
``resnet50`` (head apart), and what the official code of MGFN, TriDet and ActionFormer counts.
"""

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

import downstream.anomaly
import downstream.tal  # noqa: F401  (configs name its parts)

FOLDER = Path(__file__).parents[2] / 'configs'
CLASSES = dict(hmdb51=51, ucf101=101, kinetics400=400)
# of Video Swin-T: 12 tables of (2·8−1)(2·7−1)(2·7−1) positions for 3, 6, 12 and 24 heads in stages
# of 2, 2, 6 and 2 blocks; the other tensors, 58 of norms (24,768 parameters) among them
TABLES = 12, 15 * 13 * 13 * (2 * 3 + 2 * 6 + 6 * 12 + 2 * 24)
OTHERS = 159, 28_158_070 - (768 * 400 + 400) - 349_830
ALL = 171, 28_158_070 - (768 * 400 + 400)


def linear(inputs, outputs):
    return outputs * inputs + outputs


def stillmix(rate, decay, classes, heads=(0, 0)):
    """AdamW of StillMix's comparison under mmcv's rule: the longest key in a name counts alone."""
    head = 2 + heads[0], linear(768, classes) + heads[1]
    return 'AdamW', {
        (rate / 10, decay): OTHERS,
        (rate, 0.0): TABLES,
        (rate, decay): head,
    }


def sdn_heads(classes):
    """Three hidden layers and 365 scenes; one hidden layer and the classes; batch norms between."""
    hidden = linear(768, 768) + 2 * 768
    return 3 * 4 + 2 + 4 + 2, 4 * hidden + linear(768, 365) + linear(768, classes)


def one_group(kind, rate, decay, tensors, parameters):
    return kind, {(rate, decay): (tensors, parameters)}


def albar(classes, rate=1e-4 * 8 / 64, decay=0.01):
    """One rate, 1e-4 for 64 clips, and decay for all."""
    return one_group('AdamW', rate, decay, 173, ALL[1] + linear(768, classes))


#: rate, decay; and other rates of a method
PROTOCOL = dict(hmdb51=(3.75e-4, 0.05), ucf101=(3.75e-4, 0.01), kinetics400=(7.5e-4, 0.02))
RATES = dict(videomix_ucf101=1.5e-4, actorcutmix_ucf101=7.5e-5, actorcutmix_kinetics400=3.75e-4)


def truth_of_recognisers():
    found = {
        'albar/1xb6': albar(51, 1e-5, 0.05),  # the numbers of its code
        'erm/hmdb51 from ImageNet': stillmix(3.75e-3, 0.02, 51),
        'erm/ucf101 from ImageNet': stillmix(1.5e-3, 0.01, 101),
    }
    for data, classes in CLASSES.items():
        rate, decay = PROTOCOL[data]
        for method in 'erm mixup videomix be actorcutmix fame stillmix'.split():
            own = RATES.get(f'{method}_{data}', rate)
            found[f'{method}/{data}'] = stillmix(own, decay, classes)
        found[f'sdn/{data}'] = stillmix(rate, decay, classes, sdn_heads(classes))
        for method in ('albar', 'albar_stillmix'):
            found[f'{method}/{data}'] = albar(classes)
        for name in (f'albar_{data}', f'erm_{data}'):
            found[name] = albar(classes)
        swin = 28_288_354 - 769_000 + linear(768, classes), 173
        resnet = 25_557_032 - 2_049_000 + linear(2048, classes), 161
        for name, rate, (parameters, tensors) in (
            ('swin_tiny', 0.01, swin),
            ('resnet50', 0.04, resnet),
        ):
            found[f'reference/{name}_{data}'] = one_group('SGD', rate, 1e-5, tensors, parameters)
    return found


# On 768 features in place of 2048, which the first convolution of three taps reads.
FEWER = 3 * (2048 - 768)
# Without decay: norms (weight and bias), biases of the blocks, LayerScales of the branch, six
# scales of levels, biases of the last convolutions (20 classes, 17 bins on either side).
TRIDET_FREE = (
    2 * (2 + 6 + 4 * 2) * 512  # projection, pyramid, four stacks
    + 7 * (2 * 2 * 512 + 5 * 512 + 768 + 512)  # blocks: two norms, five gates, two layers
    + 5 * 2 * 512  # LayerScales
    + (6 + 3 * 20 + 2 * 17)
)
ACTIONFORMER_FREE = (
    2 * (2 + 6 + 2 * 2) * 512
    + 7 * (2 * 5 * 512 + 4 * 512 + 2048 + 512)  # two norms and three of attention; layers
    + 7 * 2 * 512
    + (6 + 20 + 2)
)
TRANSFERS = {
    'tal_tridet_thumos14': (
        'AdamW',
        {
            (1e-4, 0.025): (63, 15_989_604 - 512 * FEWER - TRIDET_FREE),
            (1e-4, 0.0): (124, TRIDET_FREE),
        },
    ),
    'tal_actionformer_thumos14': (
        'AdamW',
        {
            (1e-4, 0.05): (71, 29_251_612 - 512 * FEWER - ACTIONFORMER_FREE),
            (1e-4, 0.0): (153, ACTIONFORMER_FREE),
        },
    ),
    'anomaly_mgfn_ucfcrime': one_group('Adam', 1e-3, 5e-4, 130, 28_652_773 - 64 * FEWER),
    'anomaly_rtfm_ucfcrime': one_group(
        'Adam',
        1e-3,
        5e-3,
        32,
        3 * (3 * 768 * 192 + 3 * 192)  # three dilations, each a norm behind it
        + 768 * 192
        + 3 * linear(192, 96)
        + (96 * 192 + 3 * 192)
        + (3 * 768 * 768 + 2 * 768)
        + linear(768, 512)
        + linear(512, 128)
        + linear(128, 1),
    ),
    'anomaly_mil_ucfcrime': one_group(
        'Adagrad', 1e-3, 0.0, 6, linear(768, 512) + linear(512, 32) + linear(32, 1)
    ),
}
TRUTH = truth_of_recognisers() | {f'downstream/{name}': of for name, of in TRANSFERS.items()}


def key_of(path):
    place = path.relative_to(FOLDER)
    if path.stem.endswith('-rgb'):
        data, method = path.stem.rpartition('_')[2].removesuffix('-rgb'), place.parts[0]
        if '_1xb6-' in path.stem:
            return f'{method}/1xb6'
        if '_in1k-' in path.stem and data != 'kinetics400':
            return f'{method}/{data} from ImageNet'
        albars = method == 'erm' and '_1xb8-' in path.stem  # the baseline in ALBAR's setting
        return f'erm_{data}' if albars else f'{method}/{data}'
    return '/'.join([*place.parts[-2:-1], path.stem])


PATHS = [
    *FOLDER.glob('*/*-rgb.py'),
    *(path for data in CLASSES for path in FOLDER.glob(f'*_{data}.py')),
    *(path for data in CLASSES for path in FOLDER.glob(f'stillmix/reference/*_{data}.py')),
    *FOLDER.glob('downstream/*_thumos14.py'),
    *FOLDER.glob('downstream/*_ucfcrime.py'),
]


@cache
def built(text):
    return MODELS.build(Config.fromstring(text, '.py').model)


def groups_of(path):
    """Kind of the optimiser; (rate, decay) -> numbers of tensors and of parameters."""
    cfg = Config.fromfile(path)
    init_default_scope('mmaction')
    model = cfg.model
    if 'cls_head' in model:  # neither weights of a start nor blendings change what is trained
        model.backbone.pop('pretrained', None)
        model.data_preprocessor = dict(type='ActionDataPreprocessor')
        if 'Swin' in model.backbone.type:
            model.backbone.pretrained2d = False
    network = built(Config(dict(model=model.to_dict())).pretty_text)
    assert all(parameter.requires_grad for parameter in network.parameters())
    optimizer = build_optim_wrapper(network, cfg.optim_wrapper).optimizer
    scale = cfg.get('auto_scale_lr') or {}
    batch = cfg.train_dataloader.batch_size
    share = batch / scale.base_batch_size if scale.get('enable') else 1
    found = defaultdict(lambda: [0, 0])
    for group in optimizer.param_groups:
        for parameter in group['params']:
            numbers = found[share * group['lr'], group['weight_decay']]
            numbers[0] += 1
            numbers[1] += parameter.numel()
    return type(optimizer).__name__, {key: tuple(numbers) for key, numbers in found.items()}


def test_no_published_config_is_left_out():
    assert {key_of(path) for path in PATHS} == TRUTH.keys()
    assert TABLES[1] == 349_830 and OTHERS[1] == 27_500_640


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_rate_and_decay_of_every_parameter(path):
    kind, wanted = TRUTH[key_of(path)]
    found_kind, found = groups_of(path)
    assert found_kind == kind
    assert sorted(found.values()) == sorted(wanted.values())
    for (rate, decay), numbers in wanted.items():
        near = [n for (r, d), n in found.items() if r == pytest.approx(rate) and d == decay]
        assert near == [numbers], (rate, decay, found)
