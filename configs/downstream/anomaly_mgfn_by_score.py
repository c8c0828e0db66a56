# MGFN whose video is represented by the snippets of highest score.
_base_ = 'anomaly_mgfn_ucfcrime.py'

# Published: the snippets of largest magnitude among a random 30 %. They are not the ones that show
# the anomaly, and training unlearns the moment (docs/anomaly.md, "Does it keep the moment?").
model = dict(head=dict(select='score', dropout=0.))
