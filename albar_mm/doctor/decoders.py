"""Which video decoders are there and really decode."""

import ctypes.util
import platform
import tempfile
from pathlib import Path

from .child import Answer, ask
from .report import Finding, error, warning

#: decoder -> module
DECODERS = dict(decord='decord', pyav='av', opencv='cv2', torchcodec='torchcodec')
#: first part of the name of MMAction2's transforms (``DecordInit``, ``PyAVDecode``) -> decoder
TRANSFORMS = {'Decord': 'decord', 'PyAV': 'pyav', 'OpenCV': 'opencv'}


def check_decoders() -> tuple[dict[str, str], list[Finding]]:
    """Import every decoder and let it decode a tiny clip that is written for the purpose.

    Returns:
        Decoder -> its version, ``'not installed'``, ``'not tried: ...'`` or ``'broken: ...'``; and
        what is wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip = str(Path(folder) / 'clip.mp4')
        written = ask('write_clip', clip)
        facts = {name: _try(name, clip, written) for name in DECODERS}
    found = []
    if written.error:
        found += warning(
            f'no test clip could be written ({written.error}): no decoder was tried',
            'pip install --force-reinstall --no-deps opencv-python',
        )
    for name, fact in facts.items():
        if fact.startswith('broken: '):
            reason = fact.removeprefix('broken: ')
            package = install_command(name).split()[-1]
            fix = f'pip install --force-reinstall --no-deps {package}'
            if name == 'torchcodec' and ctypes.util.find_library('avcodec') is None:
                fix = 'conda install -c conda-forge ffmpeg'  # the libraries of FFmpeg
            elif name == 'torchcodec':
                fix = 'pip install --upgrade --force-reinstall --no-deps torchcodec'
            found += warning(f'{name} is installed but does not decode ({reason})', fix)
    if not written.error and not any(works(facts[name]) for name in TRANSFORMS.values()):
        found += error('no video decoder works', install_command('decord'))
    facts['test clip'] = written.error or f'written with {written.value}'
    return facts, found


def works(fact: str) -> bool:
    """Whether a decoder's entry in :func:`check_decoders` says that it decodes."""
    return not fact.startswith(('not ', 'broken'))


def install_command(decoder: str) -> str:
    """Command that installs a decoder on this machine."""
    package = {'pyav': 'av', 'opencv': 'opencv-python'}.get(decoder, decoder)
    if decoder == 'decord' and platform.machine() in ('arm64', 'aarch64'):
        package = 'eva-decord'  # decord has no wheels for these
    return f'pip install {package}'


def _try(name: str, clip: str, written: Answer) -> str:
    module = DECODERS[name]
    answer = ask('module', module) if written.error else ask('check_decoder', name, clip)
    if f"No module named '{module}'" in answer.error:
        return 'not installed'
    if answer.error:
        return f'broken: {answer.error}'
    if written.error:
        return f'not tried: {answer.value}, there is no clip to decode'
    return f'{answer.value}, decodes'
