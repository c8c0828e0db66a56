# The same from Kinetics-400 weights, head included: what the caption of Table 6 and ALBAR's code say.
# The start has learned its own training clips: a higher accuracy than Table 6's is to be expected.
_base_ = 'albar-stillmix_swin-tiny_in1k-pre_1xb8-32x2x1-50e_kinetics400-rgb.py'

model = dict(backbone=dict(pretrained2d=False, pretrained=None))
load_from = 'https://download.openmmlab.com/mmaction/v1.0/recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb_20220930-241016b2.pth'
