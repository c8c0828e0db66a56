# What turns a plain 3D recogniser config into ALBAR: the static pass with the paper's weights.
# The pipeline's StaticClip draws the frame; see configs/albar_hmdb51.py.
model = dict(
    type='ALBARRecognizer3D',
    data_preprocessor=dict(type='StaticDataPreprocessor'),
    static=dict(
        frame='random',
        source='unblended',
        norm='batch',
        losses=[
            dict(type='StaticAdversarialLoss', weight=1.),
            dict(type='StaticEntropyLoss', weight=4.),
            dict(type='StaticGradientPenalty', weight=10., reduction='official'),
        ]))
