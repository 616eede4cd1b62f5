#!/usr/bin/python3
"""Holds the include graph and the link graph to DESIGN.md's table of who may use whom."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folder (or single file) -> the unit that it belongs to; the longest prefix wins.
UNITS = {
    "http/": "http",
    "capture/": "capture",
    "capture/recorder": "record",
    "capture/namespaces": "record",
    "fake-backends/": "peers",
    "fake-backends/script.": "script",
    "fake-backends/faults.": "script",
    "fake-backends/wire_text.": "script",
    "fake-backends/proxy_header.": "script",
    "proxy-under-test/vcl/": "vcl",
    "proxy-under-test/cache/": "cache",
    "proxy-under-test/drivers/": "drivers",
    "harness/scenario/": "scenario",
    "harness/judge/": "judge",
    "harness/traffic/": "traffic",
    "harness/stage/": "stage",
    "harness/replay/": "replay",
    "harness/live/": "live",
    "reports/": "reports",
    "cli/": "cli",
    "python/": "python",
}
MAY = {
    "http": set(),
    "capture": {"http"},
    "record": {"capture", "http"},
    "script": set(),
    "peers": {"script", "http"},
    "vcl": set(),
    "cache": {"vcl"},
    "drivers": set(),
    "scenario": {"script"},
    "judge": {"http", "capture", "scenario", "script"},
    "traffic": {"http", "capture", "scenario", "script", "judge"},
    "stage": {"http", "capture", "record", "peers", "script", "drivers", "scenario", "judge"},
    "reports": {"judge", "capture", "http"},
    "replay": {"http", "capture", "script", "peers", "drivers", "scenario", "judge", "traffic", "stage", "reports"},
    "live": {"http", "capture", "record", "judge"},
    "python": {"http", "capture", "record", "peers", "script", "drivers", "scenario", "judge", "traffic", "stage", "replay", "live", "reports"},
    "cli": {"http", "capture", "record", "peers", "script", "drivers", "scenario", "judge", "traffic", "stage", "replay", "live", "reports"},
}
# CMake targets that stand for a unit under another name.
TARGETS = {"settings": "drivers", "cache_core": "cache", "badorigin-cache": "cache", "badorigin": "cli", "_core": "python"}
# Only these may include Asio or Beast, and never in a header that another unit includes.
ASIO = {"peers", "cache"}


def unit_of(path):
    best = max((p for p in UNITS if path.startswith(p)), key=len, default=None)
    return UNITS.get(best)


# The judge reads no file, and nothing that leads to a verdict knows what a proxy says of itself (principle 1 of DESIGN.md).
NO_FILES = {"http", "judge"}
FILE_HEADERS = {"fstream", "filesystem", "cstdio", "fcntl.h", "stdio.h"}
VERDICT = {"http", "capture", "record", "scenario", "judge", "traffic", "stage"}
OWN_LOG = re.compile(r"own_log|cache\.log|varnish\.vsl")


def verdicts_beside_the_packets():
    """Lines by which a verdict could come to rest on a proxy's log."""
    files = 0
    for file in sorted(ROOT.rglob("*")):
        rel = file.relative_to(ROOT).as_posix()
        unit = unit_of(rel)
        if file.suffix not in (".h", ".cpp") or unit not in VERDICT:
            continue
        files += 1
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if OWN_LOG.search(line):
                yield f"{rel}:{number}: {unit} leads to verdicts and may not know a proxy's own log"
            header = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            if unit in NO_FILES and header and header[1] in FILE_HEADERS:
                yield f"{rel}:{number}: {unit} may read no file ({header[1]})"
    if files < 100:
        yield f"only {files} files lead to verdicts: the test itself is blind"


def includes():
    for file in sorted(ROOT.rglob("*")):
        rel = file.relative_to(ROOT).as_posix()
        if file.suffix not in (".h", ".cpp") or unit_of(rel) is None:
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if match:
                yield rel, number, match.group(2), match.group(1) == '"'


def links():
    for file in sorted(ROOT.rglob("CMakeLists.txt")):
        rel = file.relative_to(ROOT).as_posix()
        if rel.startswith(("tests/", "fuzz/", "bench/", "build")):
            continue
        for match in re.finditer(r"(?:badorigin_(?:library|program)|badorigin_python_module)\((\S+)(.*?)\)", file.read_text(), re.S):
            linked = match.group(2).split("LINKS")[1].split() if "LINKS" in match.group(2) else []
            yield rel, match.group(1), linked


def main():
    wrong, seen = list(verdicts_beside_the_packets()), 0
    for rel, number, target, ours in includes():
        mine = unit_of(rel)
        if ours and not (ROOT / target).is_file():
            wrong.append(f"{rel}:{number}: write \"{target}\" from the root of the tree; as it stands this test cannot tell whose it is")
        if target.startswith("boost/") and mine not in ASIO:
            wrong.append(f"{rel}:{number}: {mine} must not include {target}")
        theirs = unit_of(target)
        if theirs is None:
            continue
        seen += 1
        if theirs != mine and theirs not in MAY[mine]:
            wrong.append(f"{rel}:{number}: {mine} may not use {theirs} ({target})")
    linked = 0
    for rel, target, targets in links():
        mine = TARGETS.get(target, target)
        if mine not in MAY:
            wrong.append(f"{rel}: target {target} is not in the table")
            continue
        for t in targets:
            theirs = TARGETS.get(t, t)
            if theirs in MAY:
                linked += 1
                if theirs != mine and theirs not in MAY[mine]:
                    wrong.append(f"{rel}: {target} may not link {t}")
    if seen < 50 or linked < 10:
        wrong.append(f"only {seen} includes and {linked} links found: the test itself is blind")
    print("\n".join(wrong) or f"{seen} includes and {linked} links, all allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
