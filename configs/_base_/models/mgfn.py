# MGFN in its published size on features of Video Swin-T (2048 channels for I3D).
model = dict(
    type='AnomalyDetector',
    backbone=dict(type='MGFN', in_channels=768),
    head=dict(type='MGFNHead', in_channels=1024),
)
