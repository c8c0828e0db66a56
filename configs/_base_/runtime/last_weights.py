# The runtime of the recognisers where nothing is chosen: the weights of the last epoch count.
_base_ = 'default.py'

default_hooks = dict(checkpoint=dict(save_best=None, rule=None))
