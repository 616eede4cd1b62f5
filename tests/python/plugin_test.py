"""The pytest plugin, as a test run of its own sees it."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import badorigin as bo

PACKAGE = pathlib.Path(bo.__file__).parent.parent


@pytest.fixture
def tests(tmp_path):
    """Runs pytest in a folder with these files; returns (exit code, output)."""
    def run(*args, deadline=200, **files):
        for name, text in files.items():
            (tmp_path / f"test_{name}.py").write_text("import badorigin as bo\n" + text)
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, args)], cwd=tmp_path,
                              capture_output=True, text=True, timeout=deadline, env={**os.environ, "PYTHONPATH": str(PACKAGE), "COLUMNS": "200"})
        return done.returncode, done.stdout + done.stderr
    return run


GOOD = '''
def test_good(stage):
    """A claim in words"""
    stage.origin("app").on("GET /x").reply(status=200, body="x")
    stage.proxy(policy="pass-gets")
    assert stage.client().get("/x").body == b"x"
'''


def test_a_test_that_does_not_judge_is_judged(tests, tmp_path):
    code, told = tests("-q", good=GOOD)
    assert code == 0, told
    assert not list((tmp_path / "out").rglob("manifest.json"))  # upheld: nobody needs its evidence
    code, told = tests("-q", good=GOOD.replace('.body == b"x"', ".status == 200").replace('get("/x")', 'get("/x", expect=bo.expect(status=404))'))
    assert code == 1 and "violated expect step-1 status" in told and "HTTP/1.1 200 OK" in told
    evidence = re.search(r"evidence: (\S+)", told)[1]
    assert (tmp_path / evidence / "packets.pcapng").exists()


def test_a_failed_assertion_shows_the_verdict_and_keeps_the_evidence(tests, tmp_path):
    code, told = tests("-q", bad=GOOD.replace('b"x"', 'b"y"'))
    assert code == 1 and "assert b'x' == b'y'" in told and "upheld" in told
    assert (tmp_path / re.search(r"evidence: (\S+)", told)[1] / "scenario.yaml").exists()


def test_each_proxy_that_is_asked_for_runs_each_test(tests):
    code, told = tests("-v", "--badorigin-proxy", "bundled", "--badorigin-proxy", "cmd:true", "--collect-only", "-q", good=GOOD)
    assert code == 0 and "test_good[bundled]" in told and "test_good[cmd:true]" in told


def test_a_test_about_another_proxy_is_skipped(tests):
    about = GOOD.replace('proxy(policy', 'proxy("varnish", policy')
    code, told = tests("-rs", "--badorigin-proxy", "bundled", good=about)
    assert code == 0 and "the test is about varnish, and --badorigin-proxy asks for bundled" in told
    missing = GOOD.replace('proxy(policy', 'proxy("varnish:/nowhere/varnishd", policy')
    code, told = tests("-rs", good=missing)
    assert code == 0 and "1 skipped" in told and "/nowhere/varnishd" in told


def test_scenarios_are_tests_with_marks(tests):
    code, told = tests("-q", bo.SCENARIOS.resolve() / "saint", "-m", "R3_3 and suite_saint")
    assert code == 0 and re.search(r"^\d+ passed, \d+ deselected", told, re.MULTILINE), told
    code, told = tests("-q", "--strict-markers", bo.SCENARIOS.resolve() / "grace", "-n", "2")
    assert code == 0 and re.search(r"^\d+ passed", told, re.MULTILINE), told


def test_a_violated_scenario_shows_its_report_and_no_traceback(tests):
    code, told = tests("-q", "--badorigin-plant", "ignore-saint", bo.SCENARIOS.resolve() / "saint/window-lasts-to-its-end.yaml")
    assert code == 1 and "saint-window-kept" in told and "frame" in told and "evidence: out/pytest" in told
    assert "pytest_plugin.py" not in told


def test_a_wrong_scenario_is_told_with_its_line(tests, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "wrong.yaml").write_text("claim: x\nstepps: []\n")
    code, told = tests("-q", "wrong.yaml")
    assert code == 2 and "did you mean 'steps'" in told and "wrong.yaml:2:1" in told


def test_other_yaml_is_left_alone(tests, tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    code, told = tests("-q", good=GOOD)
    assert code == 0 and "1 passed" in told


ASYNC = '''
async def test_async(stage):
    stage.origin("app").on("GET /x").reply(status=200, body="x")
    stage.proxy(policy="pass-gets")
    (answer,) = await stage.step("GET /x", expect=bo.expect(status=200))
    assert answer.body == b"x"
'''


TABLE = """topic: Store
cases:
  - {id: stored, says: What may be stored is, origin: {cache: max-age=60}, rfc: 9111/3, exchanges: [origin, store]}
  - {id: not-met, says: What nobody promises, kind: advice, origin: {cache: no-store}, rfc: 9111/3, exchanges: [origin, store]}
  - {id: wrong, says: What is not so, origin: {cache: no-store}, rfc: 9111/3, exchanges: [origin, store]}
"""


def test_each_case_of_a_table_is_a_test_and_advice_decides_nothing(tests, tmp_path):
    (tmp_path / "policies").symlink_to(bo.POLICIES.resolve())
    (tmp_path / "table.yaml").write_text(TABLE)
    code, told = tests("-v", "table.yaml")
    assert code == 1 and "1 failed, 2 passed" in told, told
    for id, outcome in (("stored", "PASSED"), ("not-met", "PASSED"), ("wrong", "FAILED")):
        assert re.search(rf"table.yaml::table/{id}\[bundled\] {outcome}", told), told
    results = bo.run(tmp_path / "table.yaml", out=tmp_path / "out", only=["table/stored", "table/not-met"])
    assert [(one.scenario, one.outcome, one.kind) for one in results] == [("table/stored", "upheld", "required"), ("table/not-met", "violated", "advice")]
    assert bo.exit_code(results) == 0 and all(one.check() is one for one in results)


def test_async_tests_need_no_other_plugin(tests):
    code, told = tests("-q", a=ASYNC)
    assert code == 0 and "1 passed" in told, told


SHRINK = '''
from badorigin import strategies
from hypothesis import given, settings, HealthCheck

@settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(replies=strategies.origin_scripts(strategies.faults(only=["close-in-body", "reset-in-body", "no-date"])))
def test_shrunk(replies):
    scenario = bo.Scenario("Whatever the origin answers, no rule is violated", id="shrunk")
    route = scenario.origin("app").on("GET /x").reply(**replies[0])
    for one in replies[1:]:
        route.then(**one)
    if len(replies) == 1:
        route.then(status=200, repeat="forever")
    for _ in replies:
        scenario.step("GET /x")
    strategies.must_uphold(scenario, write="shrunk.yaml", plant=PLANTED)
'''


def test_the_shrunk_example_of_hypothesis_is_a_scenario_that_shows_it_again(tests, tmp_path, command):
    code, told = tests("-q", shrink=SHRINK.replace("PLANTED", "['store-truncated']"))
    assert code == 1 and "violated incomplete-not-passed-as-complete" in told, told
    shrunk = tmp_path / "shrunk.yaml"
    text = shrunk.read_text()
    assert text.count("status:") <= 3, text
    (tmp_path / "policies").symlink_to(bo.POLICIES.resolve())
    again = command("run", shrunk, "--out", tmp_path / "again", "--plant", "store-truncated")
    assert again.returncode == 1, again.stdout + again.stderr
    honest = command("run", shrunk, "--out", tmp_path / "honest")
    assert honest.returncode in (0, 3), honest.stdout + honest.stderr
