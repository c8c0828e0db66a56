"""Installed versions and the traps of packaging, from metadata alone (nothing is imported)."""

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .report import Finding

#: distribution -> (module, versions as for pip); a test holds them against requirements/
WANTED = {
    'torch': ('torch', '>=2.6'),
    'mmengine': ('mmengine', '>=0.10.7,<0.11'),
    'mmaction2': ('mmaction', '==1.2.0'),
    'importlib_metadata': ('importlib_metadata', ''),
    'numpy': ('numpy', ''),
    'scipy': ('scipy', ''),
    'matplotlib': ('matplotlib', ''),
    'opencv-python': ('cv2', ''),
    'Pillow': ('PIL', ''),
}
MMCV_LITE = 'mmcv-lite>=2.0.1,<2.2'
MMCV_RANGE = '>=2.0.1,<2.3'  # 2.2.x: compat lifts mmaction2's refusal
OPENCV = (
    'opencv-python',
    'opencv-contrib-python',
    'opencv-python-headless',
    'opencv-contrib-python-headless',
)
OPTIONAL = ('mmcv', 'mmcv-lite', *OPENCV[1:], 'decord', 'av', 'torchcodec', 'torchvision', 'numba')
MIN_PYTHON = (3, 10)


def installed_versions() -> dict[str, str]:
    """Distribution -> version of every package of interest that is installed."""
    versions = {}
    for name in (*WANTED, *OPTIONAL, 'setuptools'):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``'2.13.0+cpu'`` -> ``(2, 13, 0)``."""
    return tuple(int(part) for part in re.match(r'[\d.]*', version)[0].split('.') if part)


def fits(version: str, wanted: str) -> bool:
    """Whether a version lies in a range such as ``'>=2.0.1,<2.2'`` (``>=``, ``<`` and ``==``)."""
    found = release(version)
    for condition in filter(None, wanted.split(',')):
        sign, bound = re.fullmatch(r'(>=|<|==)(.+)', condition).groups()
        limit = release(bound)
        found += (0,) * (len(limit) - len(found))
        short = found[: len(limit)] if sign == '==' else found
        if not {'>=': short >= limit, '<': short < limit, '==': short == limit}[sign]:
            return False
    return True


def check_versions(
    versions: Mapping[str, str], python: tuple[int, ...] = sys.version_info[:3]
) -> list[Finding]:
    """Find missing packages, versions out of range and packages that overwrite one another.

    Args:
        versions: Distribution -> version, as of :func:`installed_versions`.
        python: Version of Python.
    """
    found = []
    if python < MIN_PYTHON:
        found.append(
            Finding(
                'error',
                f'Python {".".join(map(str, python))} is too old: 3.10 or newer is needed',
                'make PYTHON=python3.11 test',
            )
        )
    for name, (module, wanted) in WANTED.items():
        if name not in versions:
            if importlib.util.find_spec(module) is None:
                found.append(Finding('error', f'{name} is missing', _install(name, wanted)))
        elif not fits(versions[name], wanted):
            found.append(
                Finding(
                    'error',
                    f'{name} {versions[name]} is installed, {wanted} is needed',
                    _install(name, wanted),
                )
            )
    return [
        *found,
        *_check_mmcv(versions),
        *_check_opencv(versions),
        *_check_setuptools(versions),
        *_check_numba(versions),
    ]


def _install(name: str, wanted: str) -> str:
    return f'pip install "{name}{wanted}"'


def _check_mmcv(versions: Mapping[str, str]) -> list[Finding]:
    present = [name for name in ('mmcv', 'mmcv-lite') if name in versions]
    if not present:
        if importlib.util.find_spec('mmcv') is not None:
            return []
        return [Finding('error', 'mmcv is missing', f'pip install "{MMCV_LITE}"')]
    clean = f'pip uninstall -y {" ".join(present)} && pip install "{MMCV_LITE}"'
    if len(present) == 2:
        return [
            Finding(
                'warning',
                f'mmcv {versions["mmcv"]} and mmcv-lite {versions["mmcv-lite"]} are both installed '
                'and overwrite one another',
                clean,
            )
        ]
    name, version = present[0], versions[present[0]]
    if not fits(version, MMCV_RANGE):
        what = f"{name} {version} is outside mmaction2's range, {MMCV_LITE[len('mmcv-lite') :]}"
        return [Finding('error', what, clean)]
    numpy = versions.get('numpy', '')
    if name == 'mmcv' and fits(numpy, '>=2') and fits(version, '<2.2'):
        return [
            Finding(
                'warning',
                f'mmcv {version} was compiled for numpy 1, but numpy is {numpy}',
                'pip install "numpy<2"',
            )
        ]
    return []


def _check_opencv(versions: Mapping[str, str]) -> list[Finding]:
    """All four packages install the module cv2; equal versions with a display are the same files.

    mmengine asks for ``opencv-python`` and mmaction2 for ``opencv-contrib-python``, so these two
    together are usual.
    """
    present = {name: versions[name] for name in OPENCV if name in versions}
    headless = [name for name in present if name.endswith('headless')]
    others = [name for name in present if name not in headless]
    listing = ' and '.join(f'{name} {version}' for name, version in present.items())
    if headless and others:
        again = ' '.join(f'{name}=={present[name]}' for name in others)
        return [
            Finding(
                'warning',
                f'{listing} are all installed and overwrite one another (module cv2)',
                f'pip uninstall -y {" ".join(headless)} && '
                f'pip install --force-reinstall --no-deps {again}',
            )
        ]
    if len(set(present.values())) > 1:
        newest = max(present.values(), key=release)
        again = ' '.join(f'{name}=={newest}' for name in present)
        return [
            Finding(
                'warning',
                f'{listing} overwrite one another (module cv2)',
                f'pip install --force-reinstall --no-deps {again}',
            )
        ]
    return []


def _check_setuptools(versions: Mapping[str, str]) -> list[Finding]:
    if importlib.util.find_spec('pkg_resources') is not None:
        return []
    return [
        Finding(
            'note',
            f'setuptools {versions.get("setuptools", "is absent and")} has no pkg_resources: '
            "albar_mm mends this for itself, but mim and MMAction2's own tools need it",
            'pip install "setuptools<81"',
        )
    ]


def _check_numba(versions: Mapping[str, str]) -> list[Finding]:
    if 'numba' in versions or importlib.util.find_spec('numba') is not None:
        return []
    return [
        Finding(
            'note',
            'numba is absent: overlapping detected segments are suppressed by PyTorch, slower',
            'pip install "albar_mm[fast]"',
        )
    ]


def describe(repository: Path) -> dict[str, str]:
    """Facts on versions: Python, operating system, packages, albar_mm with its git commit.

    Args:
        repository: Folder that the running albar_mm belongs to.
    """
    text = (repository / 'albar_mm' / 'version.py').read_text(encoding='utf-8')
    own = re.search(r"__version__ = '([^']+)'", text)[1]
    return {
        'albar_mm': own + _commit(repository),
        'python': platform.python_version(),
        'system': platform.platform(),
        **installed_versions(),
    }


def _commit(repository: Path) -> str:
    if not (repository / '.git').exists():
        return ' (no git repository)'
    try:
        done = subprocess.run(
            ['git', '-C', str(repository), 'describe', '--always', '--dirty', '--abbrev=10'],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ' (git did not answer)'
    return f' (commit {done.stdout.strip()})' if done.returncode == 0 else ' (no commit yet)'
