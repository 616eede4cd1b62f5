"""Builds the wheel: CMake makes the extension module and the two programs in build/ (as `make` does), and they go beside the Python files,
with the bundled scenarios, conformance tables and policies."""
import os
import pathlib
import re
import shutil
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BADORIGIN_BUILD", ROOT / "build")).resolve()
PACKAGE = ROOT / "python/badorigin"


class build_with_cmake(build_ext):
    def run(self):
        if not (BUILD / "CMakeCache.txt").exists():
            subprocess.run(["cmake", "--preset", "release", "--log-level=NOTICE"], cwd=ROOT, check=True)
        subprocess.run(["cmake", "--build", BUILD, "--target", "_core", "badorigin", "badorigin-cache"], check=True)
        into = pathlib.Path(self.build_lib, "badorigin")
        shutil.rmtree(into, ignore_errors=True)
        shutil.copytree(PACKAGE, into, ignore=shutil.ignore_patterns("__pycache__"))
        for data in ("scenarios", "conformance"):
            shutil.copytree(ROOT / data, into / data)
        (into / "bin").mkdir()
        for program in ("badorigin", "badorigin-cache"):
            self.strip(BUILD / program, into / "bin" / program)
        for module in (BUILD / "python/badorigin").glob("_core.*.so"):
            self.strip(module, into / module.name)

    @staticmethod
    def strip(source, to):
        subprocess.run(["strip", "--strip-unneeded", "-o", to, source], check=True)


def version():
    return re.search(r"project\(badorigin VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


(BUILD / "wheel").mkdir(parents=True, exist_ok=True)
setup(version=version(), packages=[], ext_modules=[Extension("badorigin._core", [])], cmdclass={"build_ext": build_with_cmake},
      options={"build": {"build_base": str(BUILD / "wheel")}, "egg_info": {"egg_base": str(BUILD / "wheel")}})
