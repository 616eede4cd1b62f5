"""Runs, verdicts, reports."""
from __future__ import annotations

import functools
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from . import _core
from ._errors import ScenarioError, raise_unless_upheld
from ._places import PROGRAMS, SCENARIOS, policies_of, root_of
from ._scenario import Path, Scenario, scenario_files


class Result:
    """The verdict on one scenario and one proxy, or on a capture. Iterates over its findings."""

    def __init__(self, core: _core.Result) -> None:
        self._core = core
        self.scenario: str = core.scenario
        self.proxy: str = core.proxy
        self.outcome: str = core.outcome
        """"upheld", "violated", "inconclusive", "not_applicable", "error"."""
        self.kind: str = core.kind
        """"required", "advice" or "optional": an expectation of the last two that is not met is told, and decides nothing."""
        self.sections: list[str] = core.sections
        """Of RFCs, that the scenario names."""
        self.reason: str = core.reason
        """Of error, not_applicable and inconclusive: why."""
        self.claim: str = core.claim
        self.file: str = core.file
        self.evidence: str = core.evidence
        """Folder of the bundle; empty: it was not kept."""
        self.took: float = core.took
        """Seconds."""

    @functools.cached_property
    def findings(self) -> list[_core.Finding]:
        """One each for a rule, an expectation, a condition."""
        return self._core.findings

    def not_upheld(self) -> list[_core.Finding]:
        """Findings that are violated or inconclusive."""
        return [f for f in self.findings if f.outcome in ("violated", "inconclusive", "error")]

    @property
    def notes(self) -> list[str]:
        """What may explain it, and is no evidence: requests that no script answers."""
        return self._core.notes

    @property
    def wire(self) -> list[str]:
        """The exchanges that findings cite, as they stood on the wire."""
        return self._core.wire

    def verdicts(self) -> str:
        """JSON, the same from run to run: what the command line writes as verdicts.json."""
        return self._core.verdicts()

    def citations(self) -> str:
        """JSON: what each finding rests on, of this run."""
        return self._core.citations()

    def report(self) -> str:
        """As the command line prints it: findings, wire bytes, the path of the evidence."""
        told = self._core.report().strip("\n")
        return f"{told}\n  evidence: {self.evidence}" if self.evidence and self.evidence not in told else told

    def check(self) -> Result:
        """Itself where upheld or not applicable, or where what is not upheld decides nothing (`kind`); else raises Violation, Inconclusive or
        Failed."""
        __tracebackhide__ = True
        raise_unless_upheld(self, self._core.decisive)
        return self

    def __iter__(self) -> Iterator[_core.Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Result {self.scenario} on {self.proxy}: {self.outcome}>"

    def _repr_html_(self) -> str:
        return self._core._repr_html_()


def run(
    what: Path | Scenario | Sequence[Path | Scenario] = SCENARIOS,
    proxy: str | Sequence[str] = "bundled",
    *,
    policies: Path | None = None,
    out: Path = "out",
    jobs: int = 8,
    seed: int = 1,
    plant: Sequence[str] = (),
    evidence: Literal["libpcap", "tap"] = "libpcap",
    keep: Literal["always", "violated", "never"] = "violated",
    only: Sequence[str] = (),
    told: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Runs scenarios (files, tables of cases, folders, built ones; default: the bundled suite) against proxies, side by side: `badorigin run`.

    only: ids of those that are run (default: all).
    told: called with each result as it comes. Results are ordered by scenario, then by proxy. Raises ScenarioError before anything is
    started, SetUpError; Ctrl-C ends the runs in good order and raises KeyboardInterrupt.
    """
    items = list(what) if isinstance(what, (list, tuple)) else [what]
    proxies = [proxy] if isinstance(proxy, str) else list(proxy)
    if not items or not proxies:
        raise ScenarioError(f"nothing to run: there is no {'proxy' if items else 'scenario'}")
    settings: dict[str, Any] = {"programs": str(PROGRAMS), "out": os.fspath(out), "jobs": jobs, "seed": seed, "plant": list(plant),
                                "evidence": evidence, "keep": keep, "only": list(only)}

    def ended(one: _core.Result) -> None:
        if told:
            told(Result(one))

    def begin(files: list[str], root: pathlib.Path) -> list[Result]:
        about = {**settings, "root": str(root), "policies": os.fspath(policies) if policies else str(policies_of(root))}
        return [Result(one) for one in _core.run(files, proxies, about, ended if told else None)]

    built = [one for one in items if isinstance(one, Scenario)]
    results: list[Result] = []
    by_root: dict[pathlib.Path, list[str]] = {}
    for path in (pathlib.Path(one).absolute() for one in items if not isinstance(one, Scenario)):
        by_root.setdefault(root_of(path), []).extend(scenario_files(path))
    for root, files in by_root.items():
        results += begin(sorted(set(files)), root)
    if built:
        with tempfile.TemporaryDirectory(prefix="badorigin-") as folder:
            for one in built:
                file = pathlib.Path(folder, one.id + ".yaml")
                file.parent.mkdir(parents=True, exist_ok=True)
                if file.exists():
                    raise ScenarioError(f"two scenarios have the id {one.id}")
                one.save(file)
            results += begin(_core.find_scenarios(folder), pathlib.Path(folder))
    return results


def judge(bundle: Path) -> Result:
    """Judges stored evidence again: the identical verdict. `badorigin judge`."""
    return Result(_core.judge_bundle(os.fspath(bundle)))


def exit_code(results: Sequence[Result]) -> int:
    """0 all upheld or not applicable, 1 something violated, 2 error, 3 something inconclusive."""
    return _core.exit_code([one._core for one in results])


def write_junit(file: Path, results: Sequence[Result]) -> None:
    """JUnit XML, as `badorigin run --junit`."""
    _core.write_junit(os.fspath(file), [one._core for one in results])


def write_json(file: Path, results: Sequence[Result]) -> None:
    """reports/results.schema.json, as `badorigin run --json`."""
    _core.write_json(os.fspath(file), [one._core for one in results])


def html(results: Sequence[Result]) -> str:
    """A page that needs nothing else: a table to choose outcomes from, each finding, the exchanges as they were on the wire, where the evidence is."""
    return _core.html([one._core for one in results])


def write_html(file: Path, results: Sequence[Result]) -> None:
    """`html` as a file, as `badorigin run --html`."""
    _core.write_html(os.fspath(file), [one._core for one in results])
