"""The wheel stands alone: in a fresh venv, away from the sources, the examples pass with what is inside it."""
import os
import shutil
import subprocess
import sys
import venv
import zipfile

import pytest

import badorigin as bo
from badorigin._core import why_not_startable


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, request):
    root = request.path.parents[2]
    into = tmp_path_factory.mktemp("wheel")
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", root, "--no-build-isolation", "--no-deps", "--wheel-dir", into], capture_output=True,
                          text=True, timeout=500, cwd=into)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = into.glob("badorigin-*.whl")
    return file


@pytest.fixture(scope="module")
def interpreter(wheel, tmp_path_factory):
    """Of a fresh venv with that wheel alone; pytest and Hypothesis are Debian's."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, system_site_packages=True, with_pip=False)
    done = alone(sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-index", "--no-deps", wheel, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "bin/python"


def alone(*command, cwd):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONPATH", "BADORIGIN"))}
    return subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


def test_the_wheel_holds_programs_scenarios_policies_and_types(wheel, root):
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {f"badorigin/{file.relative_to(root).as_posix()}" for data in ("scenarios", "conformance")
             for file in (root / data).rglob("*") if file.is_file()}
    assert files <= names and len(files) > 100
    assert {"badorigin/bin/badorigin", "badorigin/bin/badorigin-cache", "badorigin/py.typed", "badorigin/_core.pyi", "badorigin/pytest_plugin.py"} <= names


@pytest.mark.parametrize("proxy", ["bundled", "varnish"])
def test_the_examples_pass_in_a_fresh_venv(interpreter, root, tmp_path, proxy):
    if missing := why_not_startable(proxy, str(bo.PROGRAMS)):
        pytest.skip(missing)
    shutil.copytree(root / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    where = alone(interpreter, "-c", "import badorigin; print(badorigin.__file__, badorigin.PROGRAMS, badorigin.SCENARIOS)", cwd=tmp_path)
    assert all(place.startswith(str(interpreter.parents[1])) for place in where.stdout.split()), where.stdout + where.stderr
    done = alone(interpreter, "-m", "pytest", "-q", "--badorigin-proxy", proxy, "examples", cwd=tmp_path)  # the plugin comes by its entry point
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr


def test_the_command_runs_the_bundled_suite(interpreter, tmp_path):
    scenarios = alone(interpreter, "-c", "import badorigin; print(badorigin.SCENARIOS)", cwd=tmp_path).stdout.strip()
    done = alone(interpreter.parent / "badorigin", "run", f"{scenarios}/saint", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert alone(interpreter, "-m", "badorigin", "--version", cwd=tmp_path).stdout.split()[-1] == bo.__version__
