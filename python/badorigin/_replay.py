"""Captured traffic played again through a proxy, and what differs (docs/replay.md)."""
from __future__ import annotations

import dataclasses
import html
import json
from typing import Any, Literal

from . import _core
from ._errors import raise_unless_upheld
from ._results import Result
from ._values import Duration, duration

Kind = Literal["not-asked", "status", "complete", "body", "field", "origin"]


@dataclasses.dataclass(frozen=True)
class Difference:
    """Something that was otherwise then, in one exchange of a client."""

    exchange: int
    """Of the recording, from 1."""
    request: str
    """"GET /page"."""
    at: float
    """When the client asked: seconds since the recording's begin."""
    kind: Kind
    then: str
    now: str
    name: str = ""
    """Of the field."""
    fault: str = ""
    """That was laid over its moment."""
    allowed: str = ""
    """The reason of the entry that allows it; empty: none does."""
    frame_then: str = ""
    """Of the recording, with its file where there are several: "frame 4"."""
    frame_now: int | None = None
    """Of the bundle's packets; None: they do not show the request."""


class Replay:
    """What happened when a recording was played again through a proxy."""

    def __init__(self, core: _core.Replay) -> None:
        self._core = core
        self.outcome: str = core.outcome
        """"upheld": as then, or as allowed, and no rule violated; "violated", "inconclusive", "error"."""
        self.judged = Result(core.judged)
        """The verdict of the rules on what happened now."""
        self.details: dict[str, Any] = json.loads(core.json())
        """replay.json of the bundle: what was replayed and what not, which answers origins gave, the timing error."""
        self.proxy: str = self.judged.proxy
        self.evidence: str = self.judged.evidence
        """Folder of the bundle."""
        self.differences = [_difference(row) for row in self.details["differences"]]
        """In order of the recording."""

    @property
    def not_allowed(self) -> list[Difference]:
        """Differences that no entry of `allow` allows."""
        return [one for one in self.differences if not one.allowed]

    def report(self) -> str:
        """As the command line prints it."""
        return self._core.report()

    def check(self) -> Replay:
        """Itself where upheld; else raises Violation, Inconclusive or Failed."""
        __tracebackhide__ = True
        raise_unless_upheld(self, self.outcome)
        return self

    def __repr__(self) -> str:
        return f"<Replay of {self.details['capture']} on {self.proxy}: {self.outcome}, {len(self.differences)} differences>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.report())}</pre>{self.judged._repr_html_()}"


def _difference(row: dict[str, Any]) -> Difference:
    words = dict(row)
    return Difference(at=words.pop("at_s"), **words)


def storm(fault: str, *, from_: Duration, lasts: Duration, on: str = "*", status: int | None = None) -> str:
    """A fault laid over a recording, for `Capture.replay(faults=[…])`: "status-storm" (503, or `status`), or an id of
    `badorigin.fault_catalogue()`; on: a target, a trailing * stands for any rest; times are the recording's."""
    name = fault if status is None else f"{fault}={status}"
    return f"{name} on {on} from {duration(from_)} for {duration(lasts)}"
