"""Saint mode: an origin that failed for a URL is kept away from for a while, and the stale copy is served meanwhile (field report R3)."""
import badorigin as bo


def test_a_failing_url_keeps_away_from_its_origin(stage: bo.Stage) -> None:
    """While a URL is in saint mode, its origin is not asked for it"""
    app = stage.origin("app")
    app.on("GET /report").reply(status=200, body="first").then(status=500, repeat="forever")
    app.on("GET /control").reply(status=200, body="ok", cache=False)
    stage.proxy(policy="saint", promises={"ttl": "30s", "grace": "30s", "saint": "90s", "expired": "4s"},
                real={"ttl": "2s", "grace": "4s", "saint": "8s", "expired": "2s"})
    client = stage.client()

    assert client.get("/report", at="0s", name="first", expect=bo.expect(body="first", age="0s")).status == 200
    client.get("/report", at="ttl + expired", name="struck", expect=bo.expect(status=200, stale=True, fetches=1))
    client.get("/report", at="struck + grace", name="over", expect=bo.expect(status=503, fetches=0))
    client.get("/control", name="control", premise=bo.expect(status=200, fetches=1))  # the origin is there: it is saint mode
    client.get("/report", at="struck + saint + 2s", name="again", expect=bo.expect(status=503, fetches=1))

    stage.judge()
