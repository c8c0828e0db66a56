"""Named conventions of data sets for which snippets are made."""

from typing import Any

from mmengine.config import Config

from albar_mm.utils.config_types import type_name
from albar_mm.utils.errors import LaunchError
from albar_mm.utils.numbers import one_of

from .sampling import Sampling
from .view import test_pipeline

_NAMES = ('clip_len', 'frame_interval', 'stride', 'align', 'tail', 'padding', 'crops')
_TABLE = {
    'ucf-crime': (16, 1, 16, 'left', 'pad', 'repeat', 10),
    'ucf-crime-swin': (32, 2, 64, 'left', 'pad', 'repeat', 1),
    'thumos14': (16, 1, 4, 'left', 'drop', 'repeat', 1),
    'thumos14-swin': (32, 2, 4, 'centre', 'pad', 'repeat', 1),
}
PRESETS: dict[str, dict[str, Any]] = {
    name: dict(zip(_NAMES, values, strict=True)) for name, values in _TABLE.items()
}
"""Name -> settings.

- ``ucf-crime``: snippets of 16 frames that do not overlap, ten crops: C3D and I3D features of RTFM
  and MGFN, T = ceil(N / 16).
- ``ucf-crime-swin``: 32 frames at interval 2, one every 64: Swin-T, which was trained on such
  clips. The rule of TeD-SPAD, stride = frames * interval, carried over.
- ``thumos14``: 16 frames, one snippet every 4: what ActionFormer and TriDet read. Their files hold
  one snippet less, floor((N - 16) / 4).
- ``thumos14-swin``: 32 frames at interval 2, one every 4, centred, so that the 63 frames of a
  snippet do not cost coverage at the ends.
"""


def sampling_of(
    cfg: Config | None, preset: str | None = None, **given: Any
) -> tuple[Sampling, int | None]:
    """The snippets that are asked for.

    What neither ``given`` nor the preset says is taken from the config: the clip length and frame
    interval of the ``SampleFrames`` of its test pipeline. The stride has no default.

    Args:
        cfg: Config of the encoder; None: there is none to take anything from.
        preset: A key of :data:`PRESETS`.
        **given: Attributes of :class:`~.sampling.Sampling`, and ``crops``; None is not given.

    Returns:
        The snippets, and the number of crops (None: those of the test pipeline).

    Raises:
        LaunchError: An unknown preset, or settings that cannot be or are missing.
    """
    if preset is not None:
        one_of(preset, PRESETS, 'preset', LaunchError)
    values = _of_config(cfg) if cfg else {}
    values |= PRESETS.get(preset or '', {})
    values |= {key: value for key, value in given.items() if value is not None}
    crops = values.pop('crops', None)
    missing = [name for name in ('clip_len', 'frame_interval', 'stride') if name not in values]
    if missing:
        untold = f', nor by the test pipeline of {cfg.filename or "the config"}' if cfg else ''
        raise LaunchError(
            f'{", ".join(missing)}: not given{untold}: say how snippets are made, or '
            f'name a preset ({", ".join(PRESETS)})'
        )
    return Sampling(**values), crops


def _of_config(cfg: Config) -> dict[str, int]:
    for step in test_pipeline(cfg):
        if type_name(step).endswith('SampleFrames'):
            if step.get('clip_len', 1) > 1:
                return dict(clip_len=step['clip_len'], frame_interval=step.get('frame_interval', 1))
            # a 2D recogniser spreads its frames over a whole video: the interval is left to say
            return dict(clip_len=step.get('num_clips', 1))
    return {}
