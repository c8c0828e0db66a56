# ALBAR on Kinetics-400, in the setting of its paper; another name of configs/albar_kinetics400.py.
_base_ = '../albar_kinetics400.py'
