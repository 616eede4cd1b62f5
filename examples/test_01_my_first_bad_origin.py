"""My first bad origin: it closes the connection instead of answering, and the cache must say so.

Run it: `pytest examples/test_01_my_first_bad_origin.py`, or against varnish with `--badorigin-proxy varnish`.
"""
import badorigin as bo


def test_an_origin_that_closes_is_a_503(stage: bo.Stage) -> None:
    """An origin that closes without an answer is told to the client as 503"""
    app = stage.origin("app")
    app.on("GET /report").reply(fault=bo.faults.close_before_response())
    app.on("GET /control").reply(status=200, body="ok")
    stage.proxy(policy="pass-gets")

    answer = stage.client().get("/report", expect=bo.expect(status=503, attempts=1))
    assert answer.status == 503
    assert stage.client().get("/control").body == b"ok"

    findings = stage.judge()  # every rule, from the packets; raises where something is violated
    assert "upheld" in {f.outcome for f in findings if f.claim == "alive-and-serving"}
