"""Captures: transactions, queries, verdicts, scenarios made of them, and replays."""
from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, overload

from . import _core
from ._places import POLICIES, PROGRAMS
from ._replay import Replay
from ._results import Result
from ._scenario import Path, Scenario
from ._values import Duration, duration

Group = Literal["raw", "vxid", "request", "session"]


def _configured(policy: str, promises: Mapping[str, Duration] | None, values: Mapping[str, str] | None, origins: Mapping[str, str] | None,
                rules_off: Mapping[str, str] | None) -> dict[str, Any]:
    """How the proxy of a capture was configured, which packets do not show."""
    return {"policy": policy, "promises": {name: duration(value) for name, value in (promises or {}).items()}, "values": dict(values or {}),
            "origins": dict(origins or {}), "rules_off": dict(rules_off or {})}


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

    def __len__(self) -> int:
        return len(self._core)

    @overload
    def __getitem__(self, at: int) -> _core.Transaction: ...
    @overload
    def __getitem__(self, at: slice) -> list[_core.Transaction]: ...
    def __getitem__(self, at: int | slice) -> _core.Transaction | list[_core.Transaction]:
        if isinstance(at, slice):
            return [self._core[i] for i in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(f"there is no transaction {at}: the capture has {len(self)}")
        return self._core[at % len(self)]

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
        about = {**_configured(policy, promises, values, origins, rules_off), "keep_secrets": keep_secrets, "all": all, "most": most}
        scripts, left_out = _core.import_traffic(self._core, about)
        return [Scenario.parse(one.yaml(), id=one.id) for one in scripts], left_out

    def replay(self, proxy: str = "bundled", *, speed: float | Literal["max"] = 1, clock: Literal["real", "virtual"] = "real", faults: Sequence[str] = (),
               policy: Path = "default", policies: Path = POLICIES, promises: Mapping[str, Duration] | None = None,
               values: Mapping[str, str] | None = None, origins: Mapping[str, str] | None = None, rules_off: Mapping[str, str] | None = None,
               volatile: Sequence[str] = (), allow: Path | Sequence[Mapping[str, Any]] = (), out: Path = "out",
               told: Callable[[int, int], None] | None = None) -> Replay:
        """Plays the traffic again through a proxy, and compares what it does with what was done then: `badorigin replay` (docs/replay.md).

        speed: 1 is as it was, 10 ten times as fast, "max" keeps the order alone. clock: "virtual" jumps over pauses (the bundled cache only).
        faults: `badorigin.storm(…)`, or the words of --fault. policy: a folder of `policies`, or a configuration file for the proxy.
        origins: "ADDRESS:PORT" → what the policy calls it (default: "app" plays all). volatile: response fields that may differ. allow:
        differences that are known and accepted, as a JSON file or as its entries, each with its "reason". out: the bundle is OUT/PROXY/replay-CAPTURE.
        told: called now and then with how many requests are over, and how many there are; what it raises ends the replay.
        Raises ValueError for wrong words, RunError where nothing can be replayed, SetUpError; a replay that breaks off has the outcome "error".
        Ctrl-C ends it in good order, evidence kept, and raises KeyboardInterrupt.
        """
        about = {**_configured(os.fspath(policy), promises, values, origins, rules_off),
                 "speed": str(speed), "virtual_time": clock == "virtual", "faults": list(faults), "volatile": list(volatile)}
        if isinstance(allow, (str, os.PathLike)):
            about["allow_file"] = os.fspath(allow)
        else:
            about["allow_text"] = json.dumps({"allowed": [dict(one) for one in allow]})
        run = {"programs": str(PROGRAMS), "policies": os.fspath(policies), "out": os.fspath(out)}
        return Replay(_core.replay(self._core, proxy, about, run, told))

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
