"""Training and testing as the tools do it."""

from ...compat.load_config import load_config
from ...utils.errors import LaunchError
from .run import debiased, print_config, resume_hint, test, train, work_dir_of

__all__ = [
    'LaunchError',
    'debiased',
    'load_config',
    'print_config',
    'resume_hint',
    'test',
    'train',
    'work_dir_of',
]
