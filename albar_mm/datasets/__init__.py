"""Datasets, samplers and transforms, registered in mmaction's registries."""

from . import transforms
from .bias_benchmark_dataset import BiasBenchmarkDataset
from .samplers import DomainBatchSampler
from .static_pair_dataset import StaticPairDataset

__all__ = ['BiasBenchmarkDataset', 'DomainBatchSampler', 'StaticPairDataset', 'transforms']
