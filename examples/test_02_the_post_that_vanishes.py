"""The POST that vanishes (field report R0): an idle connection dies under a request with a body. A cache must neither lose the request in
silence nor send it twice."""
import badorigin as bo


def test_retry_carries_the_body(stage: bo.Stage) -> None:
    """A configured retry of a POST carries the body that was kept for it"""
    app = stage.origin("app")
    app.on("POST /orders").reply(fault=bo.faults.close_before_response()).then(status=201)
    stage.proxy(policy="keep-and-retry")  # configures the retry, hence:
    stage.rules.off("no-retry-of-non-idempotent", reason="the policy retries on purpose")

    answer = stage.client().post("/orders", body=bo.body(size=100, seed=1), expect=bo.expect(attempts=2, body_at_origin="whole"))

    assert answer.status == 201
    stage.judge()
    assert stage.capture.query("BereqMethod eq POST", group="vxid").count() == 2


def test_a_post_is_sent_once_without_a_retry_in_the_policy(stage: bo.Stage) -> None:
    """A POST whose connection is reset is sent once, and its client hears of it"""
    app = stage.origin("app")
    app.on("POST /orders").reply(fault=bo.faults.reset_on_request())
    stage.proxy(policy="pass-gets")

    answer = stage.client().post("/orders", body="one order", expect=bo.expect(attempts=1))

    assert answer.status == 503
    stage.judge()
    (transaction,) = stage.capture
    assert [len(fetch.attempts) for fetch in transaction.fetches] == [1]
