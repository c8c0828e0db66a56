"""Names that configs and scripts of users hold: they stay where they were."""

import importlib

import mmaction.registry
import pytest

import albar_mm
import downstream.anomaly
import downstream.tal
from albar_mm import debias, mixin

REGISTERED = {
    'DATASETS': """
        ALBARBenchmarkDataset AnomalyFeatureDataset BiasBenchmarkDataset
        OnTheFlyBenchmarkDataset RobustVideoDataset SegmentFeatureDataset StaticPairDataset
        StillMixBenchmarkDataset
    """,
    'DATA_SAMPLERS': """
        BalancedAnomalySampler DomainBatchSampler
    """,
    'HOOKS': """
        BadVideoHook EpochResumeHook PretrainedCheck ReseedHook ResultsHook StaticProbeHook
        StaticWeightHook
    """,
    'METRICS': """
        BiasMetric FrameAUC StaticContrastMetric TemporalMAP
    """,
    'MODELS': """
        ALBARRecognizer2D ALBARRecognizer3D ActionFormerHead ActorCutMixBlending AnomalyDetector
        BEBlending BoundaryHead ChainedBlending ClipMixupBlending ConvProjection DistanceHead
        FAMEBlending MGFN MGFNHead MILRankingHead OffsetHead RTFMHead RTFMNetwork
        SDNRecognizer2D SDNRecognizer3D SGPPyramid SegmentDetector SequencePreprocessor
        StaticAdversarialLoss StaticDataPreprocessor StaticEntropyLoss StaticGradientPenalty
        StillMixBlending TransformerPyramid TridentHead VideoMixBlending
    """,
    'TRANSFORMS': """
        BiasSampleFrames LoadPersonBoxes LoadSceneLabels PackPersonBoxes PasteForeground
        PublishedFrameDecode RepeatFrame SourceDecode SourceInit StaticClip SwapBackground
    """,
}
EXPORTED = {
    'albar_mm': """
        __version__ compat datasets engine evaluation models
    """,
    'albar_mm.compat': """
        CheckpointError applied apply resolve_config safe_load
    """,
    'albar_mm.datasets': """
        ALBARBenchmarkDataset BiasBenchmarkDataset DomainBatchSampler OnTheFlyBenchmarkDataset
        RobustVideoDataset StaticPairDataset StillMixBenchmarkDataset transforms
    """,
    'albar_mm.datasets.transforms': """
        BiasSampleFrames LoadPersonBoxes LoadSceneLabels PackPersonBoxes PasteForeground
        PublishedFrameDecode RepeatFrame SourceDecode SourceInit StaticClip SwapBackground
        check_box_pipeline with_person_boxes
    """,
    'albar_mm.engine.hooks': """
        BadVideoHook EpochResumeHook PretrainedCheck ReseedHook StaticProbeHook StaticWeightHook
    """,
    'albar_mm.evaluation': """
        BiasMetric ResultsHook StaticContrastMetric format_bias_comparison format_bias_table
        functional write_results
    """,
    'albar_mm.evaluation.functional': """
        DOMAINS OWN_BACKGROUND Prediction PredictionRecord VIEWS bias_scores check_partners
        collate_records contrasted_accuracy is_iid_name join_by_id name_some per_class_scores
        predicted_class static_contrast_scores top1_accuracy
    """,
    'albar_mm.models.blendings': """
        ActorCutMixBlending BEBlending ChainedBlending ClipBlending ClipMixupBlending
        FAMEBlending StillMixBlending VideoMixBlending
    """,
    'albar_mm.models.losses': """
        StaticAdversarialLoss StaticEntropyLoss StaticGradientPenalty StaticLoss StaticPass
    """,
    'albar_mm.models.recognizers': """
        ALBARMixin ALBARRecognizer2D ALBARRecognizer3D SDNMixin SDNRecognizer2D SDNRecognizer3D
    """,
}


@pytest.mark.parametrize('registry', REGISTERED)
def test_every_registered_name_stays(registry):
    table = getattr(mmaction.registry, registry).module_dict
    assert set(REGISTERED[registry].split()) <= table.keys()


@pytest.mark.parametrize('module', EXPORTED)
def test_every_exported_name_stays(module):
    held = importlib.import_module(module)
    assert [name for name in EXPORTED[module].split() if not hasattr(held, name)] == []


def test_old_names_of_modules():
    assert mixin.debias is debias.debias and mixin.METHODS is debias.METHODS
    assert albar_mm.compat.safe_load and albar_mm.compat.CheckpointError
    assert downstream.anomaly and downstream.tal
