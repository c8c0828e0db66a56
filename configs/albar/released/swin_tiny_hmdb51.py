# ALBAR on HMDB51 as its released code has it: the numbers of the base, and the weights that it begins
# with, torchvision's swin3d_t, of which one command makes the file below:
#   python tools/convert_checkpoint.py swin3d-torchvision swin3d_t-7615ae03.pth data/weights/swin3d_t_k400.pth
_base_ = '../albar_swin-tiny_k400-pre_1xb6-32x2x1-50e_hmdb51-rgb.py'

load_from = 'data/weights/swin3d_t_k400.pth'
