"""Named conventions of data sets for which snippets are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mmengine.config import Config

from albar_mm.utils.errors import LaunchError

from .sampling import Sampling
from .view import test_pipeline

PRESETS: dict[str, dict[str, Any]] = {
    'ucf-crime': dict(
        clip_len=16,
        frame_interval=1,
        stride=16,
        align='left',
        tail='pad',
        padding='repeat',
        crops=10,
    ),
    'ucf-crime-swin': dict(
        clip_len=32,
        frame_interval=2,
        stride=64,
        align='left',
        tail='pad',
        padding='repeat',
        crops=1,
    ),
    'thumos14': dict(
        clip_len=16,
        frame_interval=1,
        stride=4,
        align='left',
        tail='drop',
        padding='repeat',
        crops=1,
    ),
    'thumos14-swin': dict(
        clip_len=32,
        frame_interval=2,
        stride=4,
        align='centre',
        tail='pad',
        padding='repeat',
        crops=1,
    ),
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
) -> tuple[Sampling, int | None]:  # noqa: ANN401
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
    if preset is not None and preset not in PRESETS:
        raise LaunchError(f'preset {preset!r}: expected one of {", ".join(PRESETS)}')
    values = {
        **(_of_config(cfg) if cfg else {}),
        **PRESETS.get(preset or '', {}),
        **{key: value for key, value in given.items() if value is not None},
    }
    crops = values.pop('crops', None)
    missing = [name for name in ('clip_len', 'frame_interval', 'stride') if name not in values]
    if missing:
        name = cfg and (cfg.filename or 'the config')
        untold = f', and not told by the test pipeline of {name}' if cfg else ''
        raise LaunchError(
            f'{", ".join(missing)}: not given{untold}: say how snippets are made, or '
            f'name a preset ({", ".join(PRESETS)})'
        )
    known = {each.name for each in fields(Sampling)}
    return Sampling(**{key: value for key, value in values.items() if key in known}), crops


def _of_config(cfg: Config) -> Mapping[str, int]:
    for step in test_pipeline(cfg):
        if str(step['type']).endswith('SampleFrames'):
            if step.get('clip_len', 1) > 1:
                return dict(clip_len=step['clip_len'], frame_interval=step.get('frame_interval', 1))
            # a 2D recogniser spreads its frames over a whole video: the interval is left to say
            return dict(clip_len=step.get('num_clips', 1))
    return {}
