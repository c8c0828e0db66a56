"""Which video decoders are there and really decode."""

import ctypes.util
import platform
import tempfile
from pathlib import Path

from .child import Answer, ask
from .report import Finding

#: decoder -> (module, command that installs it)
DECODERS = {
    'decord': ('decord', 'pip install decord'),
    'pyav': ('av', 'pip install av'),
    'opencv': ('cv2', 'pip install opencv-python'),
    'torchcodec': ('torchcodec', 'pip install torchcodec'),
}
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
    facts['test clip'] = f'written with {written.value}' if not written.error else written.error
    return facts, _findings(facts, written)


def works(fact: str) -> bool:
    """Whether a decoder's entry in :func:`check_decoders` says that it decodes."""
    return not fact.startswith(('not ', 'broken'))


def install_command(decoder: str) -> str:
    """Command that installs a decoder on this machine."""
    if decoder == 'decord' and platform.machine() in ('arm64', 'aarch64'):
        return 'pip install eva-decord'  # decord has no wheels for these
    return DECODERS[decoder][1]


def _try(name: str, clip: str, written: Answer) -> str:
    module = DECODERS[name][0]
    answer = ask('module', module) if written.error else ask('check_decoder', name, clip)
    if f"No module named '{module}'" in answer.error:
        return 'not installed'
    if answer.error:
        return f'broken: {answer.error}'
    if written.error:
        return f'not tried: {answer.value}, there is no clip to decode'
    return f'{answer.value}, decodes'


def _findings(facts: dict[str, str], written: Answer) -> list[Finding]:
    found = []
    if written.error:
        found.append(
            Finding(
                'warning',
                f'no test clip could be written ({written.error}): no decoder was tried',
                'pip install --force-reinstall --no-deps opencv-python',
            )
        )
    for name in DECODERS:
        if facts[name].startswith('broken'):
            what = f'{name} is installed but does not decode ({facts[name][len("broken: ") :]})'
            fix = (
                _torchcodec_fix()
                if name == 'torchcodec'
                else (
                    f'pip install --force-reinstall --no-deps {install_command(name).split()[-1]}'
                )
            )
            found.append(Finding('warning', what, fix))
    usable = [name for name in TRANSFORMS.values() if works(facts[name])]
    if not usable and not written.error:
        found.append(Finding('error', 'no video decoder works', install_command('decord')))
    return found


def _torchcodec_fix() -> str:
    """Which half is missing: the libraries of FFmpeg, or a build that fits this torch."""
    if ctypes.util.find_library('avcodec') is None:
        return 'conda install -c conda-forge ffmpeg'
    return 'pip install --upgrade --force-reinstall --no-deps torchcodec'
