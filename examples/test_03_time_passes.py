"""Grace: two minutes in some milliseconds. Instants are said in the promises that the policy is filled with, so that real proxies, which have
no virtual time, get shorter ones (`real`)."""
import badorigin as bo


def test_stale_at_once_while_one_refresh_goes_on(stage: bo.Stage) -> None:
    """Past its ttl a copy is delivered at once, and refreshed once in the background"""
    app = stage.origin("app")
    app.on("GET /report").reply(status=200, body="first").then(status=200, body="second", repeat="forever")
    stage.proxy(policy="grace", promises={"ttl": "30s", "grace": "60s", "expired": "4s"},
                real={"ttl": "2s", "grace": "10s", "expired": "2s"})
    client = stage.client()

    assert client.get("/report", at="0s", name="first", expect=bo.expect(body="first", fetches=1)).body == b"first"
    stale = client.get("/report", at="ttl + expired", name="stale", expect=bo.expect(body="first", stale=True, fetches=1))
    assert stale.body == b"first"
    stage.act(settle="1s")
    assert client.get("/report", name="fresh", expect=bo.expect(body="second", fetches=0)).body == b"second"

    stage.judge()
