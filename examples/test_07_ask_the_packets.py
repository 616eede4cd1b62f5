"""Asking the packets: transactions, the query language, and columns for numpy. What they say is what was on the wire, for any proxy."""
import badorigin as bo


def test_what_the_packets_say(stage: bo.Stage) -> None:
    """Each GET by pass costs its origin one request, and errors are seen on both legs"""
    app = stage.origin("app")
    app.on("GET /page/*").reply(status=200, body="page", repeat=3).then(status=500, body="sorry", repeat="forever")
    stage.proxy(policy="pass-gets")
    client = stage.client("kept")
    for number in range(5):
        client.get(f"/page/{number}")
    stage.judge()

    # Transactions: a client's exchange, the fetches made for it, their attempts.
    for transaction in stage.capture:
        assert transaction.client and transaction.client.request
        (fetch,) = transaction.fetches
        assert fetch.joined == "certain" and fetch.attempts[0].server_name == "origin:app"
        assert transaction.delivered_from == fetch.attempts[0]

    # The query language of `badorigin log -q`.
    failed = stage.capture.query("RespStatus >= 500 and ReqURL ~ '^/page/[34]$'")
    assert failed.count() == 2
    assert any(tag == "BerespStatus" and value == "500" for group in failed for _, tag, value, *_ in group.records)

    # Columns: numpy.asarray(column) would copy nothing either.
    columns = stage.capture.columns()
    assert columns["status"].view.tolist() == [200, 200, 200, 500, 500]
    assert sum(columns["attempts"].view.tolist()) == 5

    # And as it stood on the wire.
    exchange = stage.capture[0].client
    assert exchange and "GET /page/0 HTTP/1.1" in exchange.wire
