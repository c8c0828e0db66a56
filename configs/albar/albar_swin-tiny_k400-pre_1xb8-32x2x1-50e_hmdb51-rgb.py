# ALBAR on HMDB51, in the setting of its paper; another name of configs/albar_hmdb51.py.
_base_ = '../albar_hmdb51.py'
