#!/usr/bin/python3
"""Every item of the field reports that shows on the wire is what some scenario is about, and a scenario names only items that there are."""
import collections
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the bundled cache is held to: of each report these items. The others tell of logs, of files, or of what sites should do.
HELD_TO = {"R0": [*range(1, 7), 8], "R1": range(1, 8), "R2": range(5, 28), "R3": range(1, 7), "R4": range(1, 5)}

# Items that no packet shows, and where they are proven instead.
NOT_ON_THE_WIRE = {
    "R2.18": ("whose rights the process has shows in the system's table of processes alone", "tests/unit/cache/test_robustness.cpp"),
}


def main():
    items = re.findall(r"^- (R\d+\.\d+) ", (ROOT / "docs/field-reports.md").read_text(), flags=re.M)
    held_to = {f"{report}.{number}" for report, numbers in HELD_TO.items() for number in numbers}
    covered = collections.defaultdict(list)
    for file in sorted((ROOT / "scenarios").glob("*/*.yaml")):
        for item in yaml.safe_load(file.read_text()).get("covers", []):
            covered[item].append(str(file.relative_to(ROOT)))
    wrong = [f"{item}: the field reports have no such item" for item in held_to - set(items)]
    wrong += [f"{item}, which {files[0]} covers, is no item of the field reports" for item, files in covered.items() if item not in items]
    excused = set(NOT_ON_THE_WIRE)
    wrong += [f"{item}: no scenario covers it" for item in sorted(held_to - set(covered) - excused)]
    wrong += [f"{item}: {covered[item][0]} covers it by now: take it off the list" for item in sorted(excused & set(covered))]
    wrong += [f"{item}: {file} does not name it" for item, (_, file) in NOT_ON_THE_WIRE.items() if item not in (ROOT / file).read_text()]
    print("\n".join(wrong) or f"{len(held_to & set(covered))} of {len(held_to)} items covered, {len(NOT_ON_THE_WIRE)} not on the wire")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
