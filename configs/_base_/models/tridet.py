# TriDet in its published size for THUMOS14 on features of Video Swin-T (2048 channels for I3D).
# The depth-wise convolutions of its blocks begin at zero there, and stay so: init_std=1. otherwise.
# the layers that are left out while they are zero have no gradient (several processes)
find_unused_parameters = True
model = dict(
    type='SegmentDetector',
    data_preprocessor=dict(type='SequencePreprocessor', max_len=2304, divisor=32, noise=0.0005),
    projection=dict(type='ConvProjection', in_channels=768, channels=512),
    backbone=dict(type='SGPPyramid', channels=512, hidden=768, windows=(1, 1, 1, 1, 1), factor=5.0),
    head=dict(
        type='TridentHead',
        in_channels=512,
        num_classes=20,
        bins=16,
        iou_power=0.2,
        ranges=((0, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 10000)),
    ),
    test_cfg=dict(min_score=0.001, max_per_level=2000, method='soft', sigma=0.5, max_segments=2000),
)
