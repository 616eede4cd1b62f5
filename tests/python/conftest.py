"""What the tests of the package share. Run by ctest with PYTHONPATH=build/python."""
import os
import pathlib
import signal
import subprocess
import sys
import threading

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


IN_GOOD_ORDER = """
import ctypes, signal
ctypes.CDLL(None).prctl(1, signal.SIGKILL)                # PR_SET_PDEATHSIG: goes with the test, also when that is killed
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
"""


@pytest.fixture
def interrupted(tmp_path):
    """Runs a script in a Python of its own and presses Ctrl-C once its first line is there; returns that line and the finished process."""
    def run(text, *args, deadline=60, environment={}):
        file = tmp_path / "script.py"
        file.write_text(IN_GOOD_ORDER + text)
        child = subprocess.Popen([sys.executable, file, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env=os.environ | environment)
        out_of_time = threading.Timer(deadline, child.kill)
        out_of_time.start()
        try:
            first = child.stdout.readline()
            child.send_signal(signal.SIGINT)
            told, complaint = child.communicate()
        finally:
            out_of_time.cancel()
            child.kill()
        return first, subprocess.CompletedProcess(child.args, child.returncode, told, complaint)
    return run
