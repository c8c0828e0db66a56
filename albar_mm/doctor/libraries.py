"""Whether the libraries import, with which mends, and whether GPUs compute and decoders decode."""

import ctypes.util
import platform
import re
import shutil

from .child import MODULES, Answer, ask
from .packages import MMCV_LITE, version_of
from .report import Finding, error, warning

#: in the order in which one needs the other; mmaction never imports without albar_mm's mends
_CHAIN = {
    'numpy': 'numpy',
    'cv2': 'opencv-python',
    'torch': 'torch',
    'mmengine': 'mmengine',
    'mmcv': 'mmcv-lite',
}
_ADVICE = (
    (r'NumPy 1\.x|numpy\.core\.multiarray|_ARRAY_API', 'pip install "numpy<2"'),
    (r'libGL\.so|libgthread', 'sudo apt-get install -y libgl1 libglib2.0-0'),
    (r'MMCV==.* incompatible|mmcv\._ext', f'pip uninstall -y mmcv && pip install "{MMCV_LITE}"'),
    (
        r'MMEngine==.* incompatible|unexpected keyword argument .verify',
        'pip install "mmengine>=0.10.7,<0.11"',
    ),
    (r'pkg_resources', 'pip install "setuptools<81"'),
    (r'libcu|libnv|CUDA', 'pip install --force-reinstall torch'),
)
#: first part of the name of MMAction2's transforms (``DecordInit``, ``PyAVDecode``) -> decoder
TRANSFORMS = {'Decord': 'decord', 'PyAV': 'pyav', 'OpenCV': 'opencv'}


def check_package() -> tuple[dict[str, str], list[Finding]]:
    """Import albar_mm as a run does; if that fails, find the library that is the cause."""
    answer = ask('package')
    if not answer.error:
        facts = {
            'applied and needed here': ', '.join(answer.value['needed']) or 'none',
            'not needed here': ', '.join(answer.value['others']) or 'none',
            **answer.value['env'],
        }
        if 'compiled using NumPy 1.x' not in answer.stderr:
            return facts, []
        what = 'a library that albar_mm imports was compiled for numpy 1'
        return facts, warning(what, 'pip install "numpy<2"')
    facts = {'applied': f'none, albar_mm cannot be imported: {answer.error}'}
    for module, name in _CHAIN.items():
        broken = ask('module', module)
        # a missing module is named by the check of versions, and by albar_mm itself
        if broken.error and f"No module named '{module}'" not in broken.error:
            return facts, _broken(f'{module} cannot be imported', broken, name)
    return facts, _broken('albar_mm cannot be imported', answer, 'mmaction2==1.2.0')


def check_torchvision() -> list[Finding]:
    """A torchvision that does not fit torch stops every run: MMEngine imports it for its log."""
    answer = ask('module', 'torchvision') if version_of('torchvision') else Answer()
    if not answer.error:
        return []
    what = f'torchvision is installed but cannot be imported ({answer.error})'
    return error(what, 'pip uninstall -y torchvision')


def check_gpus() -> tuple[dict[str, str], list[Finding]]:
    """List the GPUs, let each compute, and compare with what torch was built for."""
    answer = ask('gpus')
    if answer.error:
        return {'GPUs': f'unknown: {answer.error}'}, []
    build, devices = answer.value['built_for'], answer.value['devices']
    facts, found = {'torch built for': f'CUDA/ROCm {build}' if build else 'CPU only'}, []
    for index, device in enumerate(devices):
        name, fault = device['name'], device['error']
        facts[f'GPU {index}'] = f'{name}, {device["memory_gib"]} GiB, {fault or "computes"}'
        if fault:
            found += error(
                f'GPU {index} ({name}) does not compute: {fault}',
                'pip install --upgrade --force-reinstall torch',
            )
    if not devices:
        facts['GPUs'] = 'none'
        if shutil.which('nvidia-smi') and build:
            found += warning(
                f'nvidia-smi is there, but torch (built for CUDA {build}) sees no GPU',
                'nvidia-smi && echo "CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES"',
            )
        elif shutil.which('nvidia-smi'):
            found += warning(
                'nvidia-smi is there, but this torch was built for CPU only',
                'pip install --force-reinstall torch',
            )
    return facts, found


def _broken(what: str, answer: Answer, package: str) -> list[Finding]:
    text = f'{answer.error} {answer.stderr}'
    own = re.search(r'pip install "[^"]+"', answer.error)  # what albar_mm.compat itself advises
    missing = re.search(r"No module named '(\w+)", answer.error)
    fixes = [own[0]] if own else [fix for pattern, fix in _ADVICE if re.search(pattern, text)]
    fixes += [f'pip install {missing[1]}'] if missing else []
    fixes += [f'pip install --force-reinstall "{package}"']
    return error(f'{what} ({answer.error})', fixes[0])


def check_decoders() -> tuple[dict[str, str], list[Finding]]:
    """Import every decoder and let it decode a tiny clip.

    Returns:
        Decoder -> its version, ``'not installed'`` or ``'broken: ...'``; and what is wrong.
    """
    facts, found = {}, []
    for name, module in MODULES.items():
        answer = ask('check_decoder', name)
        if f"No module named '{module}'" in answer.error:
            facts[name] = 'not installed'
        elif answer.error:
            facts[name] = f'broken: {answer.error}'
            package = install_command(name).split()[-1]
            fix = f'pip install --force-reinstall --no-deps {package}'
            if name == 'torchcodec' and ctypes.util.find_library('avcodec') is None:
                fix = 'conda install -c conda-forge ffmpeg'  # the libraries of FFmpeg
            elif name == 'torchcodec':
                fix = 'pip install --upgrade --force-reinstall --no-deps torchcodec'
            found += warning(f'{name} is installed but does not decode ({answer.error})', fix)
        else:
            facts[name] = f'{answer.value}, decodes'
    if not any(works(facts[name]) for name in TRANSFORMS.values()):
        found += error('no video decoder works', install_command('decord'))
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
