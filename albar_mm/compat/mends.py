"""Mends that let released mmaction2 1.2.0 and mmengine 0.10.7 run on today's libraries.

Importing :mod:`albar_mm` calls :func:`apply`. Nothing in site-packages is edited: each mend
replaces a name in memory, only where its symptom is found, and says in its docstring why it is
there and when it may go. Everything that touches the internals of a third-party library belongs
here; the parts that are more than a few lines stand in the files beside it.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

_applied: dict[str, bool] = {}


def apply() -> None:
    """Apply every mend that this environment needs, once; later calls do nothing.

    Raises:
        ImportError: mmengine, mmcv or mmaction2 is missing; the message says how to install it.
    """
    if _applied:
        return
    _require()
    for name, mend in zip(known(), _MENDS, strict=True):
        _applied[name] = bool(mend())


def known() -> tuple[str, ...]:
    """Names of all mends, needed here or not, in the order in which they are applied."""
    return tuple(mend.__name__.strip('_') for mend in _MENDS)


def applied() -> tuple[str, ...]:
    """Names of the mends that were needed here, in their order; empty before :func:`apply`."""
    return tuple(name for name, needed in _applied.items() if needed)


def _require() -> None:
    for module, package in (
        ('torch', 'torch'),
        ('mmengine', '"mmengine>=0.10.7,<0.11"'),
        ('mmcv', '"mmcv-lite>=2.0.1,<2.2" (or a full mmcv, where one is built for your PyTorch)'),
        ('mmaction', '"mmaction2==1.2.0"'),
        ('importlib_metadata', 'importlib_metadata'),
    ):
        if importlib.util.find_spec(module) is None:
            raise ImportError(f'albar_mm needs {module}: pip install {package}')


def _quiet_mmcv_lite() -> bool:
    """mmcv-lite warns at import that a deformable attention is missing, which nobody here uses.

    May go: never needed with a full mmcv; harmless there.
    """
    warnings.filterwarnings('ignore', message=r'Fail to import ``MultiScaleDeformableAttention``')
    return True


def _mmcv_version_assert() -> bool:
    """``mmaction/__init__`` refuses mmcv 2.2.0, the last release, by an assert (mmaction2#2852).

    The version it reads is lowered while it is imported. Only for 2.2.x, which was tried; any other
    version still meets the assert. May go: with an mmaction2 that accepts mmcv 2.2.
    """
    import mmcv

    if 'mmaction' in sys.modules or not mmcv.__version__.startswith('2.2.'):
        return False
    version = mmcv.__version__
    mmcv.__version__ = '2.1.0'
    try:
        import mmaction  # noqa: F401
    finally:
        mmcv.__version__ = version
    return True


def _missing_drn() -> bool:
    """The released mmaction2 1.2.0 lacks ``localizers/drn``, which it imports (mmaction2#2714).

    A package of that name is put in its place; its ``DRN`` says so when someone builds it. May go:
    with an mmaction2 release that holds the folder.
    """
    name = 'mmaction.models.localizers.drn'
    folder = importlib.util.find_spec('mmaction').submodule_search_locations[0]
    if f'{name}.drn' in sys.modules or importlib.machinery.PathFinder.find_spec(
        'drn', [f'{folder}/models/localizers']
    ):
        return False

    class DRN:
        """Stands where mmaction2 1.2.0 forgot its own DRN."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            raise ImportError(
                'DRN is missing from the released mmaction2 1.2.0; install mmaction2 from its '
                'repository to use it'
            )

    package, module = types.ModuleType(name), types.ModuleType(f'{name}.drn')
    package.__path__ = []
    package.drn, module.DRN = module, DRN
    sys.modules[name], sys.modules[f'{name}.drn'] = package, module
    return True


def _numpy2_names() -> bool:
    """Four modules of mmaction2 use ``np.Inf``, ``np.in1d`` and ``np.trapz``, gone in numpy 2.

    Their own name ``np`` is swapped for a view with these three; numpy itself stays as it is. May
    go: with an mmaction2 that runs on numpy 2.
    """
    import numpy as np

    names = {
        'Inf': lambda: np.inf,
        'in1d': lambda: lambda a, b, **kw: np.isin(np.ravel(a), b, **kw),
        'trapz': lambda: np.trapezoid,
    }
    missing = {name: make() for name, make in names.items() if not hasattr(np, name)}
    for module in (
        'mmaction.utils.misc',
        'mmaction.evaluation.functional.accuracy',
        'mmaction.evaluation.metrics.multimodal_metric',
        'mmaction.datasets.transforms.pose_transforms',
    ):
        if missing:
            importlib.import_module(module).np = ModuleView(np, **missing)
    return bool(missing)


def _without_pkg_resources() -> bool:
    """``_base_ = 'mmaction::...'`` asks ``pkg_resources``, which setuptools 82 and later lack.

    mmengine's three look-ups are replaced by the same over :mod:`importlib.metadata`. May go: with
    an mmengine that does not import ``pkg_resources``.
    """
    if importlib.util.find_spec('pkg_resources') is not None:
        return False
    import mmengine.config.config
    import mmengine.hub.hub
    import mmengine.utils.package_utils

    from . import config as ours

    for module in (
        mmengine.utils.package_utils,
        mmengine.utils,
        mmengine.config.config,
        mmengine.hub.hub,
    ):
        for name in ('is_installed', 'get_installed_path', 'package2module'):
            if hasattr(module, name):
                setattr(module, name, getattr(ours, name))
    return True


def _own_configs() -> bool:
    """mmengine refuses ``_base_ = 'albar_mm::...'``: only OpenMMLab's packages are on its list.

    Entered there, with a look-up that also works in editable installs, which have no ``.mim``
    folder (mmengine#1158, #1410). May go: when mmengine lets a package register its configs.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    from .config import PACKAGE, own_configs_first

    MODULE2PACKAGE[PACKAGE] = PACKAGE
    Config._get_cfg_path = staticmethod(own_configs_first(Config._get_cfg_path))
    return True


def _checkpoints() -> bool:
    """mmengine loads checkpoints as code, or, since torch 2.6, not at all (mmengine#1655).

    ``mmengine.runner.checkpoint`` gets :func:`load_weights` in place of ``torch.load``, also for
    downloads, and writes local files whole or not at all. May go: when mmengine loads with
    ``weights_only=True`` and without ``getattr`` on its allow-list.
    """
    import mmengine.runner as package
    import mmengine.runner.checkpoint as checkpoint
    import mmengine.runner.runner as runner
    import torch

    from .checkpoint import load_weights, safe_load_url
    from .checkpoint_saving import save_whole

    checkpoint.torch = ModuleView(torch, load=load_weights)
    checkpoint.load_url = safe_load_url
    whole = save_whole(checkpoint.save_checkpoint)
    for module in (checkpoint, runner, package):
        module.save_checkpoint = whole
    return True


def _checkpoint_files() -> bool:
    """``CheckpointHook`` removes the old checkpoint before the new one is written.

    With ``max_keep_ckpts=1`` a run killed in between has none. Old files now go last, and
    ``last_checkpoint`` is written whole or not at all. May go: when mmengine does both.
    """
    import mmengine.hooks.checkpoint_hook as module

    from .checkpoint_saving import open_whole, remove_after_saving

    for name in ('_save_checkpoint_with_step', '_save_best_checkpoint'):
        save = getattr(module.CheckpointHook, name)
        setattr(module.CheckpointHook, name, remove_after_saving(save))
    module.open = open_whole
    return True


def _distributed_on_cpu() -> bool:
    """``init_dist`` and ``Runner.wrap_model`` assume CUDA, so torchrun fails on a CPU machine.

    No ``cuda.set_device`` there, gloo instead of nccl, no device ids for DDP. May go: when
    mmengine's ``init_dist`` and ``wrap_model`` ask for the device first.
    """
    import mmengine.dist.utils as dist
    import torch
    from mmengine.runner import Runner

    from . import device as device

    cuda = ModuleView(torch.cuda, set_device=device.set_cuda_device)
    dist.torch = ModuleView(torch, cuda=cuda)
    for name in ('_init_dist_pytorch', '_init_dist_mpi', '_init_dist_slurm'):
        setattr(dist, name, device.gloo_without_cuda(getattr(dist, name)))
    Runner.wrap_model = device.wrap_model_on_cpu(Runner.wrap_model)
    return True


def _amp_on_cpu() -> bool:
    """``AmpOptimWrapper``, in all stock Swin configs, refuses to be built without a GPU.

    There it becomes a plain ``OptimWrapper``, with one line in the log. It works at the class, not
    in our tools, so that a plain ``Runner`` and mmaction2's own tools profit too. Also takes the
    loss scaler from ``torch.amp``: ``torch.cuda.amp.GradScaler`` is deprecated. May go: when
    mmengine trains with ``AmpOptimWrapper`` on CPU.
    """
    import mmengine.optim.optimizer.amp_optimizer_wrapper as amp
    import torch

    from .device import has_amp_device, new_amp_or_plain

    amp.AmpOptimWrapper.__new__ = staticmethod(new_amp_or_plain)
    if amp.GradScaler is torch.cuda.amp.GradScaler:
        amp.GradScaler = torch.amp.GradScaler
    return not has_amp_device()


def _color_jitter_hue() -> bool:
    """``ColorJitter`` adds a negative number to uint8 hues, which numpy 2 refuses.

    Turns to the left are added in int16, as numpy 1 did; turns to the right stay as released. May
    go: with an mmaction2 that runs on numpy 2.
    """
    import cv2
    import numpy as np
    from mmaction.datasets.transforms import ColorJitter

    released = ColorJitter.adjust_hue

    def adjust_hue(img: np.ndarray, factor: float) -> np.ndarray:
        turn = int(factor * 255)
        if turn >= 0:
            return released(img, factor)
        hsv = cv2.cvtColor(np.clip(img, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + turn) % 180
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)

    try:
        released(np.zeros((1, 1, 3), np.float32), -0.1)
    except OverflowError:
        ColorJitter.adjust_hue = staticmethod(adjust_hue)
        return True
    return False


class ModuleView(types.ModuleType):
    """A module with some names replaced, for *one* importer.

    A mend swaps the name ``np`` or ``torch`` inside a single third-party module for a view, so that
    the real module stays as it is for everybody else.
    """

    def __init__(self, module: types.ModuleType, **replaced: Any) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(replaced, _viewed=module)

    def __getattr__(self, name: str) -> Any:
        if name == '_viewed':  # not set yet: a copy or an unpickling asks before __init__ ran
            raise AttributeError(name)
        return getattr(self._viewed, name)


_MENDS: tuple[Callable[[], bool], ...] = (
    _quiet_mmcv_lite,
    _mmcv_version_assert,
    _missing_drn,
    _numpy2_names,
    _without_pkg_resources,
    _own_configs,
    _checkpoints,
    _checkpoint_files,
    _distributed_on_cpu,
    _amp_on_cpu,
    _color_jitter_hue,
)
