"""Installed versions and the traps of packaging, from metadata alone (nothing is imported)."""

import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .report import Finding, error, note, warning

#: distribution -> module, where another name
_MODULES = {
    'mmaction2': 'mmaction',
    'opencv-python': 'cv2',
    'Pillow': 'PIL',
    'Jinja2': 'jinja2',
    'scikit-learn': 'sklearn',
}
MMCV_LITE = 'mmcv-lite>=2.0.1,<2.2'
MMCV_RANGE = '>=2.0.1,<2.3'  # 2.2.x: compat lifts mmaction2's refusal
OPENCV = (
    'opencv-python',
    'opencv-contrib-python',
    'opencv-python-headless',
    'opencv-contrib-python-headless',
)
OPTIONAL = ('mmcv', 'mmcv-lite', *OPENCV[1:], 'decord', 'torchcodec', 'torchvision', 'numba')
MIN_PYTHON = (3, 10)


def version_of(name: str) -> str:
    """Version of a distribution, '' where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _wanted() -> dict[str, str]:
    """Distribution -> versions as for pip, as the repository or the metadata of a wheel say."""
    listed = Path(__file__).resolve().parents[2] / 'requirements' / 'runtime.txt'
    if listed.is_file():
        lines = listed.read_text(encoding='utf-8').splitlines()
    else:
        lines = importlib.metadata.requires('albar_mm') or [] if version_of('albar_mm') else []
    found = (re.fullmatch(r'([\w-]+) *([<>=!~][^;]*)?', line.strip()) for line in lines)
    # decord has no wheels on some machines; it is judged as a decoder
    return {match[1]: match[2] or '' for match in found if match and match[1] != 'decord'}


WANTED = _wanted()


def installed_versions() -> dict[str, str]:
    """Distribution -> version of every package of interest that is installed."""
    versions = {name: version_of(name) for name in (*WANTED, *OPTIONAL, 'setuptools')}
    return {name: version for name, version in versions.items() if version}


def fits(version: str, wanted: str) -> bool:
    """Whether a version lies in a range, as for pip; yes where ``packaging`` itself is missing."""
    try:
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(wanted).contains(version, prereleases=True)
    except ImportError:
        return True


def check_versions(
    versions: Mapping[str, str], python: tuple[int, ...] = sys.version_info[:3]
) -> list[Finding]:
    """Find missing packages, versions out of range and packages that overwrite one another."""
    found = []
    if python < MIN_PYTHON:
        what = f'Python {".".join(map(str, python))} is too old: 3.10 or newer is needed'
        found += error(what, 'make PYTHON=python3.11 test')
    for name, wanted in WANTED.items():
        fix = f'pip install "{name}{wanted}"'
        if name not in versions:
            found += [] if _has(_MODULES.get(name, name)) else error(f'{name} is missing', fix)
        elif not fits(versions[name], wanted):
            found += error(f'{name} {versions[name]} is installed, {wanted} is needed', fix)
    found += [*_check_mmcv(versions), *_check_opencv(versions)]
    if not _has('pkg_resources'):
        what = (
            f'setuptools {versions.get("setuptools", "is absent and")} has no pkg_resources: '
            "albar_mm mends this for itself, but mim and MMAction2's own tools need it"
        )
        found += note(what, 'pip install "setuptools<81"')
    if 'numba' not in versions and not _has('numba'):
        what = 'numba is absent: overlapping detected segments are suppressed by PyTorch, slower'
        found += note(what, 'pip install "albar_mm[fast]"')
    return found


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _check_mmcv(versions: Mapping[str, str]) -> list[Finding]:
    present = [name for name in ('mmcv', 'mmcv-lite') if name in versions]
    if not present:
        return [] if _has('mmcv') else error('mmcv is missing', f'pip install "{MMCV_LITE}"')
    clean = f'pip uninstall -y {" ".join(present)} && pip install "{MMCV_LITE}"'
    name, version = present[0], versions[present[0]]
    if len(present) == 2:
        both = f'mmcv {version} and mmcv-lite {versions["mmcv-lite"]} are both installed'
        return warning(f'{both} and overwrite one another', clean)
    if not fits(version, MMCV_RANGE):
        accepted = MMCV_LITE.removeprefix('mmcv-lite')
        return error(f"{name} {version} is outside mmaction2's range, {accepted}", clean)
    numpy = versions.get('numpy')
    if name == 'mmcv' and numpy and fits(numpy, '>=2') and fits(version, '<2.2'):
        what = f'mmcv {version} was compiled for numpy 1, but numpy is {numpy}'
        return warning(what, 'pip install "numpy<2"')
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
    reinstall = 'pip install --force-reinstall --no-deps '
    if headless and others:
        return warning(
            f'{listing} are all installed and overwrite one another (module cv2)',
            f'pip uninstall -y {" ".join(headless)} && {reinstall}'
            + ' '.join(f'{name}=={present[name]}' for name in others),
        )
    if len(set(present.values())) > 1:
        every = list(present.values())
        newest = next(one for one in every if all(fits(one, f'>={other}') for other in every))
        again = ' '.join(f'{name}=={newest}' for name in present)
        return warning(f'{listing} overwrite one another (module cv2)', reinstall + again)
    return []


def describe(repository: Path) -> dict[str, str]:
    """Facts on versions: Python, operating system, packages, albar_mm with its git commit."""
    text = (repository / 'albar_mm' / 'version.py').read_text(encoding='utf-8')
    own = re.search(r"__version__ = '([^']+)'", text)[1]
    return {
        'albar_mm': f'{own} ({_commit(repository)})',
        'python': platform.python_version(),
        'system': platform.platform(),
        **installed_versions(),
    }


def _commit(repository: Path) -> str:
    if not (repository / '.git').exists():
        return 'no git repository'
    command = ['git', '-C', str(repository), 'describe', '--always', '--dirty', '--abbrev=10']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 'git did not answer'
    return f'commit {done.stdout.strip()}' if done.returncode == 0 else 'no commit yet'
