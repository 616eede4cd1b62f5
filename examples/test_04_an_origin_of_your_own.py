"""An origin written in Python: it sees raw bytes as they come and writes raw bytes, and so does what no catalogue holds."""
import badorigin as bo


def test_a_length_that_lies_by_one_byte_is_no_whole_response(stage: bo.Stage) -> None:
    """A response that ends one byte early is not delivered as a whole one"""
    app = stage.origin("app")

    @app.on("GET /download").call
    def download(x: bo.OriginExchange) -> None:
        assert b"Via:" in x.head or b"Host:" in x.head  # the request as the proxy sent it
        x.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nBadorigin-Serial: " + x.serial.encode() + b"\r\n\r\n")
        x.sleep(0.2)  # by the run's clock
        x.write(b"four")
        x.close()

    stage.proxy(policy="pass-gets", real=True)
    answer = stage.client().get("/download", expect=bo.expect(attempts=1))
    assert answer.status == 503 or not answer.complete
    stage.judge()


async def test_async_functions_and_awaited_steps(stage: bo.Stage) -> None:
    """A slow application is waited for"""
    app = stage.origin("app")

    @app.on("GET /report").call
    async def report(x: bo.AsyncExchange) -> bo.Reply:
        await x.read_all()
        await x.sleep(1.5)
        return bo.reply(status=200, body="made with patience")

    stage.proxy(policy="pass-gets", real=True)
    (answer,) = await stage.step("GET /report", expect=bo.expect(status=200, at_least="1s"))
    assert answer.body == b"made with patience"
