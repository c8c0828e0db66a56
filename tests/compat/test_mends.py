"""The mends: each symptom is gone, and nothing else is touched."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from albar_mm import compat
from albar_mm.compat.mends import ModuleView

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, cwd: Path) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    env = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the environment ------------------------------------------------------------------------


def test_fresh_interpreter(tmp_path):
    """Everything registers; configs of both packages resolve; nothing unwanted is imported."""
    (tmp_path / 'stock.py').write_text(
        "_base_ = 'mmaction::recognition/tsn/"
        "tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e_kinetics400-rgb.py'\n"
        'model = dict(cls_head=dict(num_classes=7))\n'
    )
    (tmp_path / 'own.py').write_text("_base_ = 'albar_mm::_base_/runtime/default.py'\nmarker = 3\n")
    out = python(
        'import sys, numpy\n'
        "sys.modules['pkg_resources'] = None\n"  # as with a setuptools that has dropped it
        'import albar_mm\n'
        'from albar_mm import compat\n'
        'before = compat.applied(); compat.apply(); assert compat.applied() == before\n'
        'from mmengine.config import Config\n'
        "stock = Config.fromfile('stock.py')\n"
        'assert stock.model.cls_head.num_classes == 7 and stock.model.type == "Recognizer2D"\n'
        'assert stock.default_scope == "mmaction"\n'
        "own = Config.fromfile('own.py')\n"
        "own.dump('dumped.py')\n"
        "again = Config.fromfile('dumped.py')\n"
        'assert again.marker == 3 and again.default_scope == "mmaction"\n'
        'from mmaction.models.localizers import DRN\n'
        'assert "torchvision" not in sys.modules and "without_pkg_resources" in before\n'
        'assert not hasattr(numpy, "Inf")\n'
        'print("fine")\n',
        tmp_path,
    )
    assert out.endswith('fine\n')


def test_missing_requirement_is_named(tmp_path):
    code = (
        'import importlib.util as u\n'
        'real = u.find_spec\n'
        "u.find_spec = lambda name, *a: None if name == 'mmcv' else real(name, *a)\n"
        'try:\n    import albar_mm\nexcept ImportError as e:\n    print(e)\n'
    )
    out = python(code, tmp_path)
    assert 'albar_mm needs mmcv: pip install "mmcv-lite' in out


def test_module_view_replaces_for_one_importer_only():
    view = ModuleView(np, Inf=np.inf)
    assert view.Inf == np.inf and view.mean is np.mean
    assert not hasattr(np, 'Inf')
    with pytest.raises(AttributeError, match='no_such_name'):
        _ = view.no_such_name


@pytest.mark.skipif(hasattr(np, 'trapz'), reason='this numpy still has the old names')
def test_numpy_names_that_mmaction_uses():
    from mmaction.datasets.transforms import PoseCompact
    from mmaction.evaluation.functional.accuracy import average_recall_at_avg_proposals

    # one video, one true segment, ten proposals equal to it: recall 1 at every count, so the area
    # under recall over 1..100 proposals is that of a constant 100 %, by the trapezium rule
    truth = {'v': np.array([[0.0, 10.0]])}
    proposals = {'v': np.tile([[0.0, 10.0, 1.0]], (10, 1))}
    recall, *_, area = average_recall_at_avg_proposals(truth, proposals, total_num_proposals=10)
    assert np.all(recall[:, -1] == 1)
    assert 0 < area <= 100
    keypoint = np.array([[[[10.0, 20.0], [30.0, 60.0]]]])
    given = dict(keypoint=keypoint.copy(), img_shape=(100, 100), modality='Pose')
    done = PoseCompact(padding=0.0, threshold=1, allow_imgpad=False)(given)
    assert done['keypoint'].min() == 0
    from mmaction.evaluation.metrics import multimodal_metric

    assert multimodal_metric.np.in1d([[1, 2]], [2, 5]).tolist() == [False, True]


@pytest.mark.parametrize(
    ('factor', 'hue'),
    [(-0.1, (30 - 25) % 180), (-0.5, (30 - 127) % 180), (0.1, 30 + 25), (0.0, 30)],
)
def test_hue_turns_both_ways(factor, hue):
    """Hue 30 (yellow) of OpenCV's 180, turned by 255 steps a unit."""
    from mmaction.datasets.transforms import ColorJitter

    given = np.full((2, 2, 3), (30, 255, 255), np.uint8)
    image = cv2.cvtColor(given, cv2.COLOR_HSV2RGB).astype(np.float32)
    turned = ColorJitter.adjust_hue(image, factor)
    assert turned.dtype == np.float32
    expected = cv2.cvtColor(np.full((2, 2, 3), (hue, 255, 255), np.uint8), cv2.COLOR_HSV2RGB)
    assert np.array_equal(turned, expected)


def test_drn_says_why_it_is_missing():
    from mmaction.models.localizers import DRN

    if 'missing_drn' not in compat.applied():
        pytest.skip('this mmaction2 has DRN')
    with pytest.raises(ImportError, match='released mmaction2 1.2.0'):
        DRN()


def test_resolve_config_errors():
    with pytest.raises(FileNotFoundError, match='no file nowhere.py in'):
        compat.resolve_config('albar_mm::nowhere')
    path = compat.resolve_config('mmaction::_base_/default_runtime.py')
    assert Config.fromfile(path).default_scope == 'mmaction'


def test_packages_are_found_without_pkg_resources():
    from albar_mm.compat import config as ours

    assert ours.is_installed('mmaction2') and ours.is_installed('mmaction')
    assert not ours.is_installed('no_such_package_here')
    assert ours.package2module('mmaction2') == 'mmaction'
    for name in ('mmaction2', 'mmaction', 'mmengine'):
        assert (Path(ours.get_installed_path(name)) / '__init__.py').is_file()
    with pytest.raises(ModuleNotFoundError):
        ours.get_installed_path('no_such_package_here')


def test_amp_wrapper_without_gpu(monkeypatch):
    from mmaction.registry import OPTIM_WRAPPERS
    from mmengine.optim import AmpOptimWrapper, OptimWrapper

    from albar_mm.compat import device as _compat_device

    model = torch.nn.Linear(2, 2)
    cfg = dict(type='AmpOptimWrapper', loss_scale='dynamic', accumulative_counts=3)

    def build():
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return OPTIM_WRAPPERS.build(dict(cfg, optimizer=optimizer))

    if not torch.cuda.is_available():
        wrapper = build()
        assert type(wrapper) is OptimWrapper and wrapper._accumulative_counts == 3
    # with a device for it, the class itself is built
    monkeypatch.setattr(_compat_device, 'has_amp_device', lambda: True)
    import mmengine.optim.optimizer.amp_optimizer_wrapper as amp

    monkeypatch.setattr(amp, 'is_cuda_available', lambda: True)
    assert type(build()) is AmpOptimWrapper


# --- videos ---------------------------------------------------------------------------------


@pytest.mark.parametrize('backend', ['Decord', 'OpenCV', 'PyAV'])
def test_decoders(toy_videos, backend):
    """Every decoder of MMAction2 gives the frames that were written (up to the codec)."""
    from mmaction.registry import TRANSFORMS
    from mmengine.registry import init_default_scope

    init_default_scope('mmaction')
    results = dict(filename=str(toy_videos / 'videos' / 'clip_2.mp4'), label=0, start_index=0)
    results['modality'] = 'RGB'
    for step in (
        dict(type=f'{backend}Init'),
        dict(type='SampleFrames', clip_len=4, frame_interval=3, num_clips=1, test_mode=True),
        dict(type=f'{backend}Decode'),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ):
        frame_inds = results.get('frame_inds')
        results = TRANSFORMS.build(step)(results)
    assert len(set(frame_inds)) == 4
    clip = results['inputs']
    assert clip.shape == (1, 3, 4, 64, 64) and clip.dtype == torch.uint8
    frames = clip[0].float().mean(0)  # (T, H, W)
    assert abs(frames[:, :20].mean() - 40) < 4  # background 20 * index
    for t, frame in zip(frame_inds, frames, strict=True):  # the square starts at x = 4 t
        columns = torch.where(frame[28:36].mean(0) > 150)[0]
        assert abs(columns.min().item() - 4 * t) <= 1 and abs(len(columns) - 16) <= 2


# --- the runner -----------------------------------------------------------------------------


def test_interrupted_training_resumes_to_the_same_weights(toy_config, tmp_path):
    """Optimiser, schedule, message hub, counters and seed come back: equal to a run in one go."""
    from mmaction.registry import HOOKS
    from mmengine.hooks import Hook

    from albar_mm.engine import launch

    @HOOKS.register_module(name='StopInSecondEpoch', force=True)
    class Stop(Hook):
        def before_train_epoch(self, runner):
            if runner.epoch == 1:
                raise KeyboardInterrupt

    schedule = dict(type='OneCycleLR', eta_max=0.02, total_steps=8, by_epoch=False)
    optim = dict(type='AmpOptimWrapper', loss_scale='dynamic')
    options = dict(optim_wrapper=optim, param_scheduler=[schedule])
    given = dict(cfg_options=options, no_validate=True)
    whole = launch.train(toy_config, work_dir=tmp_path / 'whole', **given)
    cfg = launch.load_config(toy_config, options)
    cfg.custom_hooks = [dict(type='StopInSecondEpoch')]
    with pytest.raises(KeyboardInterrupt):
        launch.train(cfg, work_dir=tmp_path / 'parts', no_validate=True)
    assert 'add --resume' in launch.resume_hint(str(tmp_path / 'parts'))
    resumed = launch.train(toy_config, work_dir=tmp_path / 'parts', resume=True, **given)
    assert resumed.iter == whole.iter == 8
    for key, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[key], value, msg=key)
    losses = [run.message_hub.get_scalar('train/loss').data[0] for run in (whole, resumed)]
    np.testing.assert_allclose(*losses)
    rates = [run.message_hub.get_scalar('train/lr').data[0] for run in (whole, resumed)]
    np.testing.assert_allclose(*rates)
    assert len(set(rates[0])) == 8  # the schedule moved at every step
