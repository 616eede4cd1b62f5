"""Captured traffic: judge it as it is, make scenarios of it, and ask it again from an origin in a storm."""
import pathlib

import badorigin as bo


def shop(stage: bo.Stage) -> pathlib.Path:
    """Some traffic through the proxy; returns the capture file."""
    app = stage.origin("app")
    app.on("GET /page/*").reply(status=200, body="page")
    app.on("POST /orders").reply(status=201, body="thanks")
    stage.proxy(policy="pass-gets")
    for number in range(4):
        stage.client().get(f"/page/{number}")
        stage.client().post("/orders", body=bo.body(200, seed=number))
    evidence = stage.judge().evidence
    return pathlib.Path(evidence) / "packets.pcapng"


def test_a_capture_is_judged_as_it_is(stage: bo.Stage) -> None:
    """Traffic through an honest proxy shows nothing that packets alone say to be wrong"""
    result = bo.verify(shop(stage))
    assert not [finding for finding in result.not_upheld() if finding.kind == "required"]


def test_a_capture_becomes_scenarios(stage: bo.Stage, tmp_path: pathlib.Path) -> None:
    """What was captured is what happens again"""
    capture = bo.read(shop(stage))
    scenarios, left_out = capture.import_scenarios(policy="pass-gets")
    assert scenarios and not left_out
    assert {result.outcome for result in bo.run(scenarios, out=tmp_path)} == {"upheld"}


def test_a_storm_is_laid_over_captured_traffic(stage: bo.Stage, tmp_path: pathlib.Path) -> None:
    """The requests that were captured, asked again of an origin that closes every other connection"""
    capture = bo.read(shop(stage))
    storm = bo.Scenario("Captured requests in a storm are answered or told honestly, and no POST is sent twice", id="storm", policy="pass-gets")
    routes: set[str] = set()
    for transaction in capture:
        request = transaction.client.request if transaction.client else None
        if request is None:
            continue
        line = f"{request.method} {request.target}"
        if line not in routes:
            routes.add(line)
            struck = storm.origin("app").on(line).reply(fault=bo.faults.close_before_response())
            struck.then(status=200, body="after the storm", repeat="forever")
        storm.step(line, body=request.content or None)
    (result,) = bo.run(storm, out=tmp_path)
    result.check()
