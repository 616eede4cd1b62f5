"""Clients behind a barrier: all are connected before the first byte is sent, and the packets prove that they overlapped."""
import badorigin as bo


def test_clients_at_once_make_one_fetch(stage: bo.Stage) -> None:
    """Ten clients at once on an object that is not stored cost its origin one request"""
    app = stage.origin("app")
    app.on("GET /page").reply(status=200, body="first", delay="slow").then(status=200, body="second", repeat="forever")
    stage.proxy(policy="no-grace", promises={"ttl": "30s", "slow": "5s"}, real={"ttl": "4s", "slow": "2s"})

    first = bo.request("GET /page", name="c0", expect=bo.expect(body="first"))
    others = [bo.request("GET /page", name=f"c{n}", premise=bo.expect(overlaps="c0"), expect=bo.expect(body="first", same_copy_as="c0")) for n in range(1, 10)]
    answers = stage.together(first, *others)

    assert {answer.body for answer in answers} == {b"first"}
    stage.scenario.expect_origin("app", requests=1, statuses=[200])
    stage.judge()
