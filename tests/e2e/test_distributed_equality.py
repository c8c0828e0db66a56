"""Several processes give what one process gives: losses, gradients, bias metrics.

:func:`train`, :func:`bias` and :func:`contrast` are run in one process and in several: only the
number of processes differs.
"""

from functools import partial
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS, init_default_scope

import albar_mm  # noqa: F401  (registers the components)
from tests.e2e.test_bias_test_run import run_test, stock_model, validation
from tests.evaluation.tiny_benchmark import test_pipeline, write_benchmark
from tests.processes import in_processes
from tests.toy_recognizers import R3D, SWIN, head, preprocessor

from .runs import loader, runner, training, videos

CLIP_LEN, GLOBAL_BATCH, STEPS = 4, 4, 2

PLAIN_SWIN = dict(SWIN, pretrained2d=False)
GROUP_NORM = dict(R3D, norm_cfg=dict(type='GN', num_groups=2), zero_init_residual=False)
#: name -> backbone, its channels, reduction of the gradient penalty
TRAININGS = {
    'swin_official': (PLAIN_SWIN, 12, 'official'),
    'swin_sample': (PLAIN_SWIN, 12, 'sample'),
    'group_norm_official': (GROUP_NORM, 8, 'official'),
}


@TRANSFORMS.register_module(force=True)
class FrameByName(BaseTransform):
    """The static frame of ``clip_<n>.mp4`` is ``n % CLIP_LEN``: fixed, and not the same for all."""

    def transform(self, results):
        sample = results['data_samples']
        number = int(Path(sample.filename).stem.split('_')[1])
        sample.set_metainfo(dict(static_frame=number % CLIP_LEN))
        return results


@OPTIM_WRAPPERS.register_module(force=True)
class GradientRecorder(OptimWrapper):
    """Keeps what the optimiser is given: under DDP the gradients averaged over the processes."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.recorded = []

    def step(self, **kwargs):
        parameters = [p for group in self.param_groups for p in group['params']]
        self.recorded.append([p.grad.clone() for p in parameters])
        super().step(**kwargs)


@HOOKS.register_module(force=True)
class LossRecorder(Hook):
    """Keeps every logged value of this process, iteration by iteration."""

    def __init__(self):
        self.recorded = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.recorded.append({k: float(torch.as_tensor(v).detach()) for k, v in outputs.items()})


def train(name, root, folder, launcher='none', world_size=1):
    """One epoch over the toy videos, ``GLOBAL_BATCH`` clips a step over all processes."""
    backbone, channels, reduction = TRAININGS[name]
    losses = [
        dict(type='StaticAdversarialLoss', weight=1.0),
        dict(type='StaticEntropyLoss', weight=4.0),
        dict(type='StaticGradientPenalty', weight=10.0, reduction=reduction),
    ]
    pipeline = [
        dict(type='DecordInit'),
        dict(type='SampleFrames', clip_len=CLIP_LEN, frame_interval=2, num_clips=1, test_mode=True),
        dict(type='DecordDecode'),
        dict(type='Resize', scale=(32, 32), keep_ratio=False),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs', meta_keys=('filename',)),
        dict(type='FrameByName'),
    ]
    made = runner(
        folder / name,
        model=dict(
            type='ALBARRecognizer3D',
            backbone=backbone,
            cls_head=dict(head(channels, num_classes=2), init_std=0.5),
            data_preprocessor=dict(preprocessor(), mean=[128.0] * 3, std=[64.0] * 3),
            static=dict(losses=losses),
        ),
        train_dataloader=loader(videos(root, pipeline), GLOBAL_BATCH // world_size),
        **training(checkpoint=False),
        optim_wrapper=dict(type='GradientRecorder', optimizer=dict(type='SGD', lr=0.05)),
        custom_hooks=[dict(type='LossRecorder')],
        randomness=dict(seed=1),
        launcher=launcher,
    )
    made.train()
    model = getattr(made.model, 'module', made.model)
    recorder = next(hook for hook in made.hooks if isinstance(hook, LossRecorder))
    names, weights = [key for key, _ in model.named_parameters()], model.state_dict()
    found = dict(losses=recorder.recorded, gradients=made.optim_wrapper.recorded)
    return dict(found, names=names, weights=weights)


def bias(data, folder, launcher='none'):
    """Every set of a bias benchmark of an odd number of videos through ``Runner.test()``."""
    benchmark = dict(data['benchmark'], num_classes=3)
    given = dict(load_from=data['checkpoint'], launcher=launcher)
    scores, made = run_test(folder / 'bias', stock_model(), benchmark, **given)
    return scores, len(made.test_dataloader.dataset)


def contrast(data, folder, launcher='none'):
    """The validation contrast of an odd number of videos through ``Runner.val()``."""
    dataset = videos(data['videos'], test_pipeline(), data['odd_list'], test_mode=True)
    given = dict(validation(dataset, 3), load_from=data['checkpoint'], launcher=launcher)
    given['default_hooks'] = dict(checkpoint=None)
    made = runner(folder / 'contrast', model=stock_model(), **given)
    return made.val(), len(made.val_dataloader.dataset)


def everything(data, folder):
    """What every process does; ``launcher`` says that there are several, which have met by now."""
    folder, count = Path(folder), get_world_size()
    given = data['videos'], folder, 'pytorch', count
    found = {name: train(name, *given) for name in data['trainings']}
    both = dict(bias=bias(data, folder, 'pytorch'), contrast=contrast(data, folder, 'pytorch'))
    return found | both


@pytest.fixture(scope='module')
def data(tmp_path_factory, toy_videos):
    """Files that all runs read: 27 test videos, 7 validation videos, one set of weights."""
    folder = tmp_path_factory.mktemp('data')
    benchmark = write_benchmark(folder / 'benchmark')
    odd_list, checkpoint = folder / 'odd.txt', folder / 'tiny.pth'
    iid = Path(benchmark['iid']['ann_file'])
    for source, path, count in ((iid, iid, 2), (toy_videos / 'list.txt', odd_list, 7)):
        path.write_text(''.join(source.read_text().splitlines(keepends=True)[:count]))
    init_default_scope('mmaction')
    torch.manual_seed(3)
    torch.save(dict(state_dict=MODELS.build(stock_model()).state_dict()), checkpoint)
    files = dict(videos=str(toy_videos), odd_list=str(odd_list), checkpoint=str(checkpoint))
    return dict(files, benchmark=benchmark, trainings=list(TRAININGS))


@pytest.fixture(scope='module')
def two(tmp_path_factory, data):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp('two')
    return in_processes(everything, folder, data, str(folder))


@pytest.mark.parametrize('name', TRAININGS)
def test_losses_and_gradients(name, two, data, tmp_path):
    """Equal shards: the mean over the processes is the value on the global batch.

    The second step starts from the weights that the first one left.
    """
    close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-5)
    one = train(name, data['videos'], tmp_path)
    ranks = [found[name] for found in two]
    assert len(one['losses']) == len(one['gradients']) == STEPS
    terms = {'loss', 'loss_cls', *(f'loss_static_{term}' for term in ('adv', 'ent', 'gp'))}
    assert terms <= one['losses'][0].keys()
    for step in range(STEPS):
        shards = [rank['losses'][step] for rank in ranks]
        # even indices go to one process and odd ones, the other class, to the other
        assert abs(shards[0]['loss'] - shards[1]['loss']) > 1e-2, 'nothing to average'
        for key, value in one['losses'][step].items():
            mean = sum(shard[key] for shard in shards) / len(shards)
            assert mean == pytest.approx(value, rel=1e-5, abs=1e-5), (step, key)
        runs = [run['gradients'][step] for run in (one, *ranks)]
        for key, alone, *averaged in zip(one['names'], *runs, strict=True):
            assert torch.equal(*averaged), f'{key}: the processes step apart'
            close(averaged[0], alone, msg=lambda m, key=key: f'{key}: {m}')
    # else the equality would hold for a loss that does nothing
    assert all(abs(one['losses'][0][f'loss_static_{term}']) > 1e-3 for term in ('gp', 'adv'))
    assert all(gradient.abs().sum() > 0 for gradient in one['gradients'][0])
    for key, alone in one['weights'].items():
        close(ranks[0]['weights'][key], alone)


@pytest.mark.parametrize(
    'metric, key, count', [(bias, 'contrasted/avg', 27), (contrast, 'val/top1', 14)]
)
def test_metrics(two, data, tmp_path, metric, key, count):
    """27 videos in two processes, one of which comes twice; a clip here, its static clip there."""
    scores, found = metric(data, tmp_path)
    assert found == count
    assert [rank[metric.__name__] for rank in two] == [(scores, count)] * 2
    assert 0 < scores[key] < 100  # else these weights show nothing


@pytest.mark.slow
def test_metrics_with_three_processes(data, tmp_path):
    """14 samples of the contrast over three processes, where the sampler repeats one."""
    folder = tmp_path / 'three'
    folder.mkdir()
    three = in_processes(everything, folder, dict(data, trainings=[]), str(folder), count=3)
    assert [found['bias'] for found in three] == [bias(data, tmp_path)] * 3
    assert [found['contrast'] for found in three] == [contrast(data, tmp_path)] * 3
