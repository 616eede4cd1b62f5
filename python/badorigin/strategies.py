"""Hypothesis strategies for what origins do, and a check that writes the shrunk example as a scenario file.

    @given(replies=bo.strategies.replies())
    def test_whatever_the_origin_does(replies, tmp_path_factory): …

Import it by name (`from badorigin import strategies`): it needs Hypothesis (Debian: python3-hypothesis), which the rest does not.
"""
from __future__ import annotations

import inspect
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from . import faults as fault_functions
from ._results import Result, run
from ._scenario import Path, Scenario, fault_catalogue
from ._values import Body, Fault, Reply, body, reply

STATUSES = (200, 204, 301, 404, 500, 503)


def bodies(max_size: int = 4096) -> st.SearchStrategy[Body]:
    """Generated content of 0 to `max_size` bytes."""
    return st.builds(body, size=st.integers(0, max_size), seed=st.integers(0, 3))


@st.composite
def faults(draw: st.DrawFn, only: Sequence[str] | None = None, without: Sequence[str] = ()) -> Fault:
    """Any fault of the catalogue, with some of its arguments. only, without: ids."""
    ids = [row.id for row in fault_catalogue() if (only is None or row.id in only) and row.id not in without]
    make = getattr(fault_functions, draw(st.sampled_from(ids)).replace("-", "_"))
    values: dict[str, st.SearchStrategy[Any]] = {"after": st.integers(0, 200), "size": st.integers(1, 500), "for_": st.sampled_from(["1s", "5s"]),
                                                 "every": st.sampled_from(["10ms", "1s"])}
    words = {name: draw(values[name]) for name in inspect.signature(make).parameters if name in values and draw(st.booleans())}
    made: Fault = make(**words)
    return made


@st.composite
def replies(draw: st.DrawFn, with_faults: st.SearchStrategy[Fault] | None = None) -> Reply:
    """One reply: a status, a body, perhaps slow, perhaps cacheable, perhaps with a fault."""
    status = draw(st.sampled_from(STATUSES))
    words: dict[str, Any] = {"status": status}
    if status != 204:
        words["body"] = draw(bodies())
    if draw(st.booleans()):
        words["cache"] = draw(st.sampled_from([False, "10s"]))
    if draw(st.booleans()):
        words["delay"] = draw(st.sampled_from(["100ms", "2s"]))
    if draw(st.booleans()):
        words["fault"] = draw(with_faults if with_faults is not None else faults())
    return reply(**words)


def origin_scripts(with_faults: st.SearchStrategy[Fault] | None = None, max_replies: int = 4) -> st.SearchStrategy[list[Reply]]:
    """What an origin answers to the same request, time after time."""
    return st.lists(replies(with_faults), min_size=1, max_size=max_replies)


def must_uphold(scenario: Scenario, proxy: str = "bundled", *, write: Path, plant: Sequence[str] = ()) -> Result:
    """Runs the scenario; where a rule is violated, writes it to `write` and raises Violation. Hypothesis runs the smallest example last, so
    that is what the file holds in the end: `badorigin run FILE` shows it again."""
    with tempfile.TemporaryDirectory(prefix="badorigin-") as out:
        (result,) = run(scenario, proxy, out=out, jobs=1, keep="never", plant=plant)
    if result.outcome in ("violated", "error"):
        pathlib.Path(write).parent.mkdir(parents=True, exist_ok=True)
        scenario.save(write)
        result.check()
    return result
