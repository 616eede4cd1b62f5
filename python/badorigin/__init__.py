"""Bad origins, on purpose: script origins that misbehave, put an HTTP cache before them, and judge it from the packets.

    import badorigin as bo

    with bo.Stage("bundled") as stage:
        stage.origin("app").on("GET /report").reply(fault=bo.faults.close_before_response())
        stage.proxy(policy="pass-gets")
        assert stage.client().get("/report").status == 503
        stage.judge()

docs/python.md tells more; with pytest there is the fixture `stage`.
"""
from . import _html, faults
from ._core import Column, Exchange, Fetch, Finding, Group, Message, Transaction, version as __version__
from ._capture import Capture, Matches, read, verify
from ._errors import (BadoriginError, Failed, Inconclusive, Interrupted, Judged, NotApplicable, ProxyCrashed, RunError, ScenarioError, SetUpError,
                      Violation)
from ._follow import Following, follow
from ._origins import AsyncExchange, Exchange as OriginExchange
from ._places import CONFORMANCE, POLICIES, PROGRAMS, SCENARIOS
from ._replay import Difference, Replay, storm
from ._results import Result, exit_code, html, judge, run, write_html, write_json, write_junit
from ._scenario import Origin, Request, Route, Rules, Scenario, fault_catalogue, find_scenarios, request, rules
from ._stage import Client, PendingStep, Response, Stage
from ._values import Body, Duration, Expect, Fault, Reply, body, expect, reply

__all__ = ["AsyncExchange", "BadoriginError", "Body", "CONFORMANCE", "Capture", "Client", "Column", "Difference", "Duration", "Exchange", "Expect", "Failed", "Fault", "Fetch",
           "Finding", "Following", "Group", "Inconclusive", "Interrupted", "Judged", "Matches", "Message", "NotApplicable", "Origin", "OriginExchange",
           "POLICIES", "PROGRAMS", "PendingStep", "ProxyCrashed", "Replay", "Reply", "Request", "Response", "Result", "Route", "Rules", "RunError",
           "SCENARIOS", "Scenario", "ScenarioError", "SetUpError", "Stage", "Transaction", "Violation", "__version__", "body", "exit_code",
           "expect", "fault_catalogue", "faults", "find_scenarios", "follow", "html", "judge", "read", "reply", "request", "rules", "run", "storm", "verify", "write_html", "write_json",
           "write_junit"]
