"""What Python builds is a scenario file as well: save it, run it by the command line, or run whole suites from Python."""
import pathlib

import badorigin as bo


def cut_short(size: int) -> bo.Scenario:
    """One claim for a size: a loop is what Python has over YAML."""
    made = bo.Scenario(f"A response of {size} bytes that ends in its middle is not whole", id=f"framing/cut-short-{size}", policy="pass-gets", covers=["R2.11"])
    made.origin("app").on("GET /file").reply(body=bo.body(size), fault=bo.faults.close_in_body())
    made.origin("app").on("GET /control").reply(status=200, body="ok")
    made.step("GET /file", name="broken", expect=bo.expect(attempts=1))
    made.step("GET /control", expect=bo.expect(status=200, body="ok"))
    return made


def test_built_scenarios_are_files(tmp_path: pathlib.Path, badorigin_proxy: str | None) -> None:
    scenarios = [cut_short(size) for size in (2, 4096, 100_000)]
    for one in scenarios:
        file = tmp_path / one.id
        file.parent.mkdir(exist_ok=True)
        one.save(file.with_suffix(".yaml"))
        assert bo.Scenario.load(file.with_suffix(".yaml"), root=tmp_path) == one

    results = bo.run(scenarios, badorigin_proxy or "bundled", out=tmp_path / "out")
    for result in results:
        result.check()
    assert bo.exit_code(results) == 0


def test_stored_evidence_is_judged_again(tmp_path: pathlib.Path) -> None:
    (result,) = bo.run(bo.SCENARIOS / "bodies/retry-carries-the-kept-body.yaml", out=tmp_path, keep="always")
    assert bo.judge(result.evidence).verdicts() == result.verdicts()
    bo.write_junit(tmp_path / "report.xml", [result])


def test_a_planted_bug_is_found(tmp_path: pathlib.Path) -> None:
    (result,) = bo.run(bo.SCENARIOS / "bodies/retry-carries-the-kept-body.yaml", out=tmp_path, plant=["body-lost-on-retry"])
    assert result.outcome == "violated"
    assert "body-forwarded-whole" in {finding.claim for finding in result.not_upheld()}
