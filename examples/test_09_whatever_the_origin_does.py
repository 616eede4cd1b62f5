"""Properties: Hypothesis makes up what the origin answers, the rules say whether the cache did right. A failure is shrunk, and the smallest
example is written as a scenario file."""
import pathlib

from hypothesis import HealthCheck, given, settings

import badorigin as bo
from badorigin import strategies


@settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(replies=strategies.origin_scripts(max_replies=3))
def test_no_rule_is_violated(tmp_path: pathlib.Path, replies: list[bo.Reply]) -> None:
    scenario = bo.Scenario("Whatever an origin answers, no rule is violated", id="made-up")
    route = scenario.origin("app").on("GET /page").reply(**replies[0])
    for one in (*replies[1:], bo.reply(status=200, body="good again", repeat="forever")):
        route.then(**one)
    for _ in replies:
        scenario.step("GET /page")
    result = strategies.must_uphold(scenario, write=tmp_path / "smallest.yaml")
    assert result.outcome in ("upheld", "inconclusive")
