#!/usr/bin/python3
"""The ledger for people and the ledger for the tests say the same: every entry of one stands in the other, word for word."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = {"proxy", "version", "scenario", "claims", "outcome", "why", "evidence"}


def words(text):
    return " ".join(text.split())


def from_json(ledger):
    for d in ledger["deviations"]:
        outcome = d["outcome"] + (" sometimes" if d.get("sometimes") else "")
        yield d["proxy"], d["scenario"], d["version"], outcome, tuple(d["claims"]), words(d["why"]), tuple(d["evidence"])


def from_page(page):
    """Yields what from_json does: a chapter a proxy, a section a scenario with its claims, the reason and the packets."""
    for chapter in re.split(r"^## ", page, flags=re.M)[1:]:
        proxy, _, sections = chapter.partition("\n")
        for section in re.split(r"^### ", sections, flags=re.M)[1:]:
            scenario, about, rest = section.split("\n", 2)
            version, outcome, claims = re.fullmatch(r"(\S+), (\w+(?: sometimes)?): (.*)", about).groups()
            lines = rest.splitlines()
            why = words(" ".join(line for line in lines if not line.startswith("    ")))
            yield proxy, scenario, version, outcome, tuple(re.findall(r"`([^`]+)`", claims)), why, tuple(line[4:] for line in lines if line.startswith("    "))


def main():
    ledger = json.loads((ROOT / "scenarios/deviations.json").read_text())
    page = (ROOT / "docs/deviations.md").read_text()
    wrong = []
    for d in ledger["deviations"]:
        if set(d) - {"sometimes"} != KEYS or not d["claims"] or not d["why"] or not d["evidence"]:
            wrong.append(f"{d.get('scenario')}: an entry has {sorted(KEYS)}, none of them empty")
        elif not (ROOT / f"scenarios/{d['scenario']}.yaml").exists():
            wrong.append(f"{d['scenario']}: there is no such scenario")
        elif not any(re.search(r"\bframe \d+", line) for line in d["evidence"]) or not re.search(r"RFC \d+ section|\bR\d+\.\d+", d["why"]):
            wrong.append(f"{d['scenario']}: the evidence names no frame, or the reason no text that is broken")
    ours, theirs = sorted(from_json(ledger)) if not wrong else [], sorted(from_page(page))
    if len(set(ours)) != len(ours):
        wrong.append("an entry stands in the ledger twice")
    for one in ours:
        if one not in theirs:
            wrong.append(f"not in docs/deviations.md as in scenarios/deviations.json: {one}")
    for one in theirs if not wrong else []:
        if one not in ours:
            wrong.append(f"not in scenarios/deviations.json as in docs/deviations.md: {one}")
    print("\n".join(wrong) or f"{len(ours)} deviations, the same for people and tests")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
