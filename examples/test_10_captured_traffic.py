"""Captured traffic: judge it as it is, make scenarios of it, and play it again, with a storm laid over it."""
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


def test_a_capture_is_replayed(stage: bo.Stage, tmp_path: pathlib.Path) -> None:
    """What was captured is played again, through the proxy of your choice, and nothing differs"""
    replay = bo.read(shop(stage)).replay(stage.proxy_name, speed="max", policy="pass-gets", out=tmp_path).check()
    assert replay.details["exchanges"] == {"captured": 8, "replayed": 8, "compared": 8, "origins_compared": 8}


def test_a_capture_is_replayed_with_a_storm_laid_over_it(stage: bo.Stage, tmp_path: pathlib.Path) -> None:
    """A proxy that keeps nothing passes the storm on to the clients whom it strikes, and to nobody else"""
    storm = bo.storm("status-storm", status=500, on="/page/*", from_="0s", lasts="1h")
    replay = bo.read(shop(stage)).replay(stage.proxy_name, faults=[storm], policy="pass-gets", volatile=["Content-Type"], out=tmp_path)
    assert replay.judged.outcome == "upheld"  # what the proxy did with it was right
    statuses = [one for one in replay.differences if one.kind == "status"]
    assert [(one.request, one.then, one.now) for one in statuses] == [(f"GET /page/{number}", "200", "500") for number in range(4)]
    assert {one.fault for one in replay.differences} == {storm}
    assert bo.read(replay.evidence).query("BerespStatus eq 500", group="vxid").count() == 4
