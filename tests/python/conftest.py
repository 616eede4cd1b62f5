"""What the tests of the package share. Run by ctest with PYTHONPATH=build/python."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BADORIGIN_BUILD", ROOT / "build")).resolve()
sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture
def root():
    return ROOT


@pytest.fixture
def command(tmp_path):
    """Runs the command line program; returns the finished process."""
    def run(*args, deadline=300):
        return subprocess.run([BUILD / "badorigin", *map(str, args)], cwd=ROOT, capture_output=True, text=True, timeout=deadline)
    return run


@pytest.fixture
def python(tmp_path):
    """Runs a script in a Python of its own; returns the finished process."""
    def run(text, *args, deadline=120, check=False):
        file = tmp_path / "script.py"
        file.write_text(text)
        return subprocess.run([sys.executable, file, *map(str, args)], cwd=tmp_path, capture_output=True, text=True, timeout=deadline, check=check)
    return run
