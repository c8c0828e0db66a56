"""Detectors by their parts; importing it registers them."""

from .baselines import MILRankingHead, RTFMHead, RTFMNetwork
from .detector import AnomalyDetector
from .mgfn import MGFN
from .mgfn_head import MGFNHead

__all__ = ['MGFN', 'AnomalyDetector', 'MGFNHead', 'MILRankingHead', 'RTFMHead', 'RTFMNetwork']
