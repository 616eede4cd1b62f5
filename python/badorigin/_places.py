"""Where the package keeps its two programs, the bundled scenarios and their policies."""
from __future__ import annotations

import pathlib

PACKAGE = pathlib.Path(__file__).parent
if not (PACKAGE / "bin").is_dir():  # not resolved before: in a build tree the files are links and their neighbours are not
    raise ImportError(f"{PACKAGE}/bin with badorigin and badorigin-cache is missing: install the wheel (`make wheel`), or use PYTHONPATH=build/python")
PROGRAMS = PACKAGE / "bin"
SCENARIOS = PACKAGE / "scenarios"
CONFORMANCE = PACKAGE / "conformance"
POLICIES = SCENARIOS / "policies"


def root_of(path: pathlib.Path) -> pathlib.Path:
    """The folder that the ids of scenarios below `path` are relative to: the nearest one above with policies/, else its own."""
    at = path.absolute()
    for folder in (at, *at.parents):
        if (folder / "policies").is_dir():
            return folder
    return at if at.is_dir() else at.parent


def policies_of(root: pathlib.Path) -> pathlib.Path:
    """The policies beside scenarios, or the bundled ones."""
    own = root / "policies"
    return own if own.is_dir() else POLICIES
