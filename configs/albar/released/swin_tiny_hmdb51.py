# ALBAR on HMDB51 in the settings of its released code, where they differ from its paper's, and from the
# weights that it begins with: torchvision's swin3d_t, of which one command makes the file below:
#   python tools/convert_checkpoint.py swin3d-torchvision swin3d_t-7615ae03.pth data/weights/swin3d_t_k400.pth
# Not taken over: the code shifts its schedule by an epoch (one at the full rate comes before the warm-up);
# here the rate rises over 5 epochs and falls to 0 over 45, step by step.
_base_ = [
    '../albar_swin-tiny_k400-pre_1xb8-32x2x1-50e_hmdb51-rgb.py',
    '../../_base_/datasets/bias_hmdb51.py',
]

load_from = 'data/weights/swin3d_t_k400.pth'

model = dict(
    static=dict(
        frame=16,
        losses=[
            dict(type='StaticAdversarialLoss', weight=1.0),
            dict(type='StaticEntropyLoss', weight=4.25),
            dict(type='StaticGradientPenalty', weight=10.0, reduction='official'),
        ],
    ),
)

train_pipeline = [
    dict(type='DecordInit'),
    # clips of fewer than 64 frames at stride 1
    dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1, short='halve'),
    *_base_.train_pipeline[2:-1],
    dict(type='StaticClip', frame=16),
]
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.bias_pipeline_albar))  # from frame 0

# Of 6 clips, whatever the batch size: one rate and decay for all parameters.
optim_wrapper = dict(optimizer=dict(lr=1e-5, weight_decay=0.05))
auto_scale_lr = dict(enable=False, base_batch_size=6)
