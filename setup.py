"""Package metadata; the configs and tools travel inside the wheel under ``albar_mm/.mim``."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ('configs', 'tools')


def version() -> str:
    text = (ROOT / 'albar_mm' / 'version.py').read_text()
    return re.search(r"__version__ = '([^']+)'", text)[1]


def requirements(name: str) -> list[str]:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


class BuildWithConfigs(build_py):
    """Put configs and tools where mmengine and mim look for them in an installed package.

    An editable install reads them from the repository instead (``albar_mm.compat.config``).
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in SHIPPED:
            target = Path(self.build_lib) / 'albar_mm' / '.mim' / name
            shutil.rmtree(target, ignore_errors=True)
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns('__pycache__', '*.pyc')
                shutil.copytree(ROOT / name, target, ignore=ignored)


readme = ROOT / 'README.md'
setup(
    name='albar_mm',
    version=version(),
    description='ALBAR and other debiasing methods for action recognition, on MMAction2',
    long_description=readme.read_text() if readme.is_file() else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    keywords='action recognition, static bias, debiasing, video',
    python_requires='>=3.10',
    packages=find_packages(include=['albar_mm', 'albar_mm.*', 'downstream', 'downstream.*']),
    package_data={'albar_mm': ['*/templates/*']},
    install_requires=requirements('runtime'),
    extras_require={name: requirements(name) for name in ('lite', 'fast', 'dev')},
    cmdclass={'build_py': BuildWithConfigs},
    zip_safe=False,
)
