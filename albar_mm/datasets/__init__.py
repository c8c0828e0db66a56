"""Datasets, samplers and transforms, registered in mmaction's registries."""

from . import transforms
from .bias_benchmark_dataset import BiasBenchmarkDataset
from .robust_video_dataset import RobustVideoDataset
from .samplers import DomainBatchSampler
from .static_pair_dataset import StaticPairDataset

__all__ = [
    'BiasBenchmarkDataset',
    'DomainBatchSampler',
    'RobustVideoDataset',
    'StaticPairDataset',
    'transforms',
]
