# ActionFormer in its published size for THUMOS14 on features of Video Swin-T.
model = dict(
    type='SegmentDetector',
    data_preprocessor=dict(type='SequencePreprocessor', max_len=2304, divisor=576, noise=0.0),
    projection=dict(type='ConvProjection', in_channels=768, channels=512),
    backbone=dict(type='TransformerPyramid', channels=512, heads=4, hidden=2048, window=19),
    head=dict(type='ActionFormerHead', in_channels=512, num_classes=20),
    test_cfg=dict(min_score=0.001, max_per_level=2000, method='soft', sigma=0.5, max_segments=200),
)
