"""Datasets, samplers and transforms, registered in mmaction's registries."""

from . import transforms
from .bias_benchmark_dataset import BiasBenchmarkDataset
from .on_the_fly_benchmark_dataset import OnTheFlyBenchmarkDataset
from .published_benchmark_dataset import ALBARBenchmarkDataset, StillMixBenchmarkDataset
from .robust_video_dataset import RobustVideoDataset
from .samplers import DomainBatchSampler
from .static_pair_dataset import StaticPairDataset

__all__ = [
    'ALBARBenchmarkDataset',
    'BiasBenchmarkDataset',
    'DomainBatchSampler',
    'OnTheFlyBenchmarkDataset',
    'RobustVideoDataset',
    'StaticPairDataset',
    'StillMixBenchmarkDataset',
    'transforms',
]
