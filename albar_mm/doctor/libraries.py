"""Whether the libraries import, which mends they need, and whether the GPUs compute."""

import importlib.metadata
import re
import shutil

from .child import Answer, ask
from .packages import MMCV_LITE
from .report import Finding

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
    (r'MMCV==.* incompatible', f'pip uninstall -y mmcv && pip install "{MMCV_LITE}"'),
    (r'MMEngine==.* incompatible', 'pip install "mmengine>=0.10.7,<0.11"'),
    (r'pkg_resources', 'pip install "setuptools<81"'),
    (r'unexpected keyword argument .verify', 'pip install "mmengine>=0.10.7,<0.11"'),
    (r'mmcv\._ext', f'pip uninstall -y mmcv && pip install "{MMCV_LITE}"'),
    (r'libcu|libnv|CUDA', 'pip install --force-reinstall torch'),
)


def check_package() -> tuple[dict[str, str], list[Finding]]:
    """Import albar_mm as a run does; if that fails, find the library that is the cause."""
    answer = ask('package')
    if not answer.error:
        said = answer.value
        facts = {
            'applied and needed here': ', '.join(said['needed']) or 'none',
            'not needed here': ', '.join(said['others']) or 'none',
            **said['env'],
        }
        return facts, _compiled_for_numpy_1(answer)
    facts = {'applied': f'none, albar_mm cannot be imported: {answer.error}'}
    for module, name in _CHAIN.items():
        broken = ask('module', module)
        # a missing module is named by the check of versions, and by albar_mm itself
        if broken.error and f"No module named '{module}'" not in broken.error:
            return facts, [_broken(f'{module} cannot be imported', broken, name)]
    return facts, [_broken('albar_mm cannot be imported', answer, 'mmaction2==1.2.0')]


def check_torchvision() -> list[Finding]:
    """A torchvision that does not fit torch stops every run: MMEngine imports it for its log."""
    try:
        importlib.metadata.version('torchvision')
    except importlib.metadata.PackageNotFoundError:
        return []
    answer = ask('module', 'torchvision')
    if not answer.error:
        return []
    return [
        Finding(
            'error',
            f'torchvision is installed but cannot be imported ({answer.error})',
            'pip uninstall -y torchvision',
        )
    ]


def check_gpus() -> tuple[dict[str, str], list[Finding]]:
    """List the GPUs, let each compute, and compare with what torch was built for."""
    answer = ask('gpus')
    if answer.error:
        return {'GPUs': f'unknown: {answer.error}'}, []
    build, devices = answer.value['built_for'], answer.value['devices']
    facts = {'torch built for': f'CUDA/ROCm {build}' if build else 'CPU only'}
    found = []
    for index, device in enumerate(devices):
        state = device['error'] or 'computes'
        facts[f'GPU {index}'] = f'{device["name"]}, {device["memory_gib"]} GiB, {state}'
        if device['error']:
            found.append(
                Finding(
                    'error',
                    f'GPU {index} ({device["name"]}) does not compute: {device["error"]}',
                    'pip install --upgrade --force-reinstall torch',
                )
            )
    if not devices:
        facts['GPUs'] = 'none'
        if shutil.which('nvidia-smi'):
            what = (
                f'nvidia-smi is there, but torch (built for CUDA {build}) sees no GPU'
                if build
                else 'nvidia-smi is there, but this torch was built for CPU only'
            )
            fix = 'nvidia-smi && echo "CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES"'
            found.append(
                Finding('warning', what, fix if build else 'pip install --force-reinstall torch')
            )
    return facts, found


def _broken(what: str, answer: Answer, package: str) -> Finding:
    text = f'{answer.error} {answer.stderr}'
    missing = re.search(r"No module named '([\w.]+)'", answer.error)
    fix = next((fix for pattern, fix in _ADVICE if re.search(pattern, text)), None)
    if fix is None and missing:
        fix = f'pip install {missing[1].split(".")[0]}'
    # what albar_mm.compat itself advises
    own = re.search(r'pip install "[^"]+"', answer.error)
    return Finding(
        'error',
        f'{what} ({answer.error})',
        own[0] if own else (fix or f'pip install --force-reinstall "{package}"'),
    )


def _compiled_for_numpy_1(answer: Answer) -> list[Finding]:
    if 'compiled using NumPy 1.x' not in answer.stderr:
        return []
    return [
        Finding(
            'warning',
            'a library that albar_mm imports was compiled for numpy 1',
            'pip install "numpy<2"',
        )
    ]
