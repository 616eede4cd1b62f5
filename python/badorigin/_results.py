"""Runs, verdicts, captures."""
from __future__ import annotations

import functools
import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, overload

from . import _core
from ._errors import Failed, Inconclusive, ScenarioError, Violation
from ._places import PROGRAMS, SCENARIOS, policies_of, root_of
from ._scenario import Path, Scenario
from ._values import Duration, duration

Group = Literal["raw", "vxid", "request", "session"]


class Result:
    """The verdict on one scenario and one proxy, or on a capture. Iterates over its findings."""

    def __init__(self, core: _core.Result) -> None:
        self._core = core
        self.scenario: str = core.scenario
        self.proxy: str = core.proxy
        self.outcome: str = core.outcome
        """"upheld", "violated", "inconclusive", "not_applicable", "error"."""
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
        """Itself where upheld or not applicable; else raises Violation, Inconclusive or Failed."""
        __tracebackhide__ = True
        kinds = {"violated": Violation, "inconclusive": Inconclusive, "error": Failed}
        if self.outcome in kinds:
            raise kinds[self.outcome](self)
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
        from ._html import result
        return result(self)


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
    told: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Runs scenarios (files, folders, built ones; default: the bundled suite) against proxies, side by side: `badorigin run`.

    told: called with each result as it comes. Results are ordered by scenario, then by proxy. Raises ScenarioError before anything is
    started, SetUpError; Ctrl-C ends the runs in good order and raises KeyboardInterrupt.
    """
    items = list(what) if isinstance(what, (list, tuple)) else [what]
    proxies = [proxy] if isinstance(proxy, str) else list(proxy)
    settings: dict[str, Any] = {"programs": str(PROGRAMS), "out": os.fspath(out), "jobs": jobs, "seed": seed, "plant": list(plant),
                                "evidence": evidence, "keep": keep}

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
        if not path.exists():
            raise ScenarioError(f"{path}: no such file or folder")
        by_root.setdefault(root_of(path), []).extend(_core.find_scenarios(str(path)))
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


class Matches:
    """The groups of records that a query selects, looked for as far as they are asked for."""

    def __init__(self, groups: _core.Groups, query: str) -> None:
        self._groups = groups
        self._query = _core.Query(query)

    def __iter__(self) -> Iterator[_core.Group]:
        at, piece = 0, 16
        while at < len(self._groups):
            for index in self._groups.select(self._query, at, at + piece):
                yield self._groups[index]
            at, piece = at + piece, min(piece * 2, 65536)

    def count(self) -> int:
        """How many there are."""
        return len(self._groups.select(self._query, 0, len(self._groups)))

    def first(self) -> _core.Group | None:
        """The first, or None."""
        return next(iter(self), None)

    def __bool__(self) -> bool:
        return self.first() is not None


class Capture:
    """What packets show: a sequence of transactions, made as they are asked for.

    A transaction is a client's exchange with the fetches made for it, or (client None) what an origin was asked on nobody's behalf.
    """

    def __init__(self, core: _core.Capture) -> None:
        self._core = core

    @classmethod
    def bundle(cls, folder: Path) -> Capture:
        """The evidence of a run."""
        return cls(_core.read_bundle(os.fspath(folder)))

    @classmethod
    def files(cls, *files: Path, proxies: Sequence[str] = ()) -> Capture:
        """Captures made elsewhere (pcap, pcapng, compressed too), read as one. proxies: "ADDRESS" or "ADDRESS:PORT" (default: found)."""
        return cls(_core.read_files([os.fspath(file) for file in files], list(proxies)))

    @property
    def transactions(self) -> Capture:
        """Itself."""
        return self

    def __len__(self) -> int:
        return len(self._core)

    @overload
    def __getitem__(self, at: int) -> _core.Transaction: ...
    @overload
    def __getitem__(self, at: slice) -> list[_core.Transaction]: ...
    def __getitem__(self, at: int | slice) -> _core.Transaction | list[_core.Transaction]:
        if isinstance(at, slice):
            return [self._core[i] for i in range(*at.indices(len(self)))]
        return self._core[at + len(self) if at < 0 else at]

    def __iter__(self) -> Iterator[_core.Transaction]:
        core = self._core
        return (core[i] for i in range(len(core)))

    def exchanges(self) -> Iterator[_core.Exchange]:
        """Every exchange of every connection, in order of its first byte."""
        return (self._core.exchange(i) for i in range(self._core.exchange_count))

    def query(self, query: str, group: Group = "request") -> Matches:
        """Groups of records that the query language selects (docs/log.md), as `badorigin log -q`. Raises ValueError with a caret."""
        return Matches(self._core.groups(group), query)

    def columns(self) -> dict[str, _core.Column]:
        """A number a transaction, as buffers: `numpy.asarray(column)` and `column.view` copy nothing; pandas.DataFrame({name:
        numpy.asarray(c) …}). time, first_byte, seconds (double, NaN: none); status, fetches, attempts, origin_status, request_content,
        response_content (int64; sizes in bytes)."""
        return self._core.columns()

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of docs/log-schema.json."""
        return (json.loads(one.row()) for one in self)

    @property
    def incomplete(self) -> list[str]:
        """Why the evidence is not complete, one sentence each."""
        return self._core.incomplete

    @property
    def notes(self) -> list[str]:
        """Captures made elsewhere: what was assumed, and what could not be told."""
        return self._core.notes

    def verify(self, *, promises: Scenario | None = None, advice: bool = True) -> Result:
        """Judges a capture made elsewhere by what packets alone can show: `badorigin verify`. promises: a scenario whose promises the
        proxy is held to, and whose switched-off rules are left out."""
        return Result(self._core.verify(promises.script(real_time=True) if promises else None, advice))

    def import_scenarios(self, *, policy: str = "default", promises: Mapping[str, Duration] | None = None, values: Mapping[str, str] | None = None,
                         origins: Mapping[str, str] | None = None, rules_off: Mapping[str, str] | None = None, keep_secrets: bool = False,
                         all: bool = False, most: int = 300) -> tuple[list[Scenario], list[str]]:
        """Scenarios made of the traffic, and what was left out, one sentence each: `badorigin import` (docs/import.md).

        origins: "ADDRESS:PORT" → what the policy calls it. most: exchanges in a scenario."""
        about: dict[str, Any] = {"policy": policy, "values": dict(values or {}), "origins": dict(origins or {}), "rules_off": dict(rules_off or {}),
                                 "keep_secrets": keep_secrets, "all": all, "most": most,
                                 "promises": {name: duration(value) for name, value in (promises or {}).items()}}
        scripts, left_out = self._core.import_traffic(about)
        return [Scenario.parse(one.yaml(), id=one.id) for one in scripts], left_out

    def __repr__(self) -> str:
        return f"<Capture of {len(self)} transactions>"

    def _repr_html_(self) -> str:
        from ._html import capture
        return capture(self)


def read(*files: Path, proxies: Sequence[str] = ()) -> Capture:
    """A bundle's folder, or capture files."""
    if len(files) == 1 and pathlib.Path(files[0]).is_dir():
        return Capture.bundle(files[0])
    return Capture.files(*files, proxies=proxies)


def verify(*files: Path, proxies: Sequence[str] = (), promises: Scenario | None = None, advice: bool = True) -> Result:
    """`Capture.verify` of files."""
    return Capture.files(*files, proxies=proxies).verify(promises=promises, advice=advice)
