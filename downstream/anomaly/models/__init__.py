"""Detectors by their parts; importing it registers them."""

from .detector import AnomalyDetector
from .mgfn import MGFN
from .mgfn_head import MGFNHead
from .mil_ranking import MILRankingHead
from .rtfm import RTFMHead, RTFMNetwork

__all__ = ['MGFN', 'AnomalyDetector', 'MGFNHead', 'MILRankingHead', 'RTFMHead', 'RTFMNetwork']
