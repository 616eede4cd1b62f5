"""What is raised. Each message is a sentence that a user can act on."""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._replay import Replay
    from ._results import Result


class BadoriginError(Exception):
    """Base of everything that badorigin raises, but for `Violation` and `Inconclusive`, which are assertions."""


class SetUpError(BadoriginError):
    """A proxy cannot be started, a port is taken, capturing is not permitted."""


class ScenarioError(BadoriginError, ValueError):
    """A scenario is wrong: one line a problem, FILE:LINE:COLUMN first. Nothing was started, or nothing of the step was performed."""


class RunError(BadoriginError):
    """A run cannot go on: the harness's trouble, not the proxy's. The stage is down, its evidence kept."""


class Interrupted(RunError):
    """The run was ended from outside (Ctrl-C); evidence so far is kept."""


class ProxyCrashed(BadoriginError):
    """The proxy ended by itself. The message says how, and its last words. The stage can still be judged."""


class NotApplicable(BadoriginError):
    """The scenario says nothing about this proxy; the message says why. The pytest fixture turns it into a skip."""


class Judged(AssertionError):
    """A verdict that is not upheld. `result` is the verdict (or the replay), `str()` the report: findings, wire bytes, the path of the evidence."""

    def __init__(self, result: Result | Replay) -> None:
        super().__init__(result.report())
        self.result = result


class Violation(Judged):
    """The proxy broke a rule or an expectation."""


class Inconclusive(Judged):
    """Evidence is missing or a premise was not met: nothing can be said."""


class Failed(Judged):
    """Outcome `error`: the run did not come to its end."""


def raise_unless_upheld(of: Result | Replay, outcome: str) -> None:
    """Raises Violation, Inconclusive or Failed by the outcome."""
    __tracebackhide__ = True
    kinds = {"violated": Violation, "inconclusive": Inconclusive, "error": Failed}
    if outcome in kinds:
        raise kinds[outcome](of)
