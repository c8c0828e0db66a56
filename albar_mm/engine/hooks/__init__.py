"""Hooks."""

from .bad_video_hook import BadVideoHook
from .channels_last_hook import ChannelsLastHook
from .epoch_resume_hook import EpochResumeHook
from .pretrained_check import PretrainedCheck
from .reseed_hook import ReseedHook
from .static_probe_hook import StaticProbeHook
from .static_report_hook import StaticReportHook
from .static_weight_hook import StaticWeightHook

__all__ = [
    'BadVideoHook',
    'ChannelsLastHook',
    'EpochResumeHook',
    'PretrainedCheck',
    'ReseedHook',
    'StaticProbeHook',
    'StaticReportHook',
    'StaticWeightHook',
]
