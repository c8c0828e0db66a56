# Real HMDB51 clips joined to untrimmed videos (tools/join_clips.py), the small TriDet.
_base_ = 'tal_tridet_sprites.py'

data = dict(ann_file='data/jhmdb21_untrimmed/segments.json', store='work_dirs/tal_jhmdb21/features')
model = dict(
    data_preprocessor=dict(max_len=128),  # videos of about 12 seconds: 100 snippets
    projection=dict(in_channels=64),
    head=dict(num_classes=18),
)
train_dataloader = dict(dataset=dict(**data, max_len=128))
val_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
