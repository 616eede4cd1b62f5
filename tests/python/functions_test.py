"""Origins that Python answers: raw bytes in and out, ends of connections, time, errors, and many at once."""
import asyncio
import threading
import time

import pytest

import badorigin as bo


@pytest.fixture
def stage(tmp_path):
    with bo.Stage(out=tmp_path) as made:
        made.proxy(policy="pass-gets")
        yield made


def answer(body, serial):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nBadorigin-Serial: %s\r\n\r\n%s" % (len(body), serial.encode(), body)


def test_a_function_sees_the_raw_request_and_writes_the_raw_answer(stage):
    seen = {}

    @stage.origin("app").on("POST /orders").call
    def orders(x):
        seen.update(head=x.head, all=x.read_all(), method=x.method, target=x.target, host=dict(x.fields)["Host"], origin=x.origin, index=x.index)
        x.write(answer(b"thanks", x.serial))

    reply = stage.client().post("/orders", body="one order", host="shop.example", expect=bo.expect(status=200, body="thanks", body_at_origin="whole"))
    assert reply.body == b"thanks"
    assert seen["head"].startswith(b"POST /orders HTTP/1.1\r\n") and seen["head"].endswith(b"\r\n\r\n")
    assert seen["all"] == seen["head"] + b"one order"
    assert (seen["method"], seen["target"], seen["host"], seen["origin"], seen["index"]) == ("POST", "/orders", "shop.example", "app", 0)
    stage.judge()


def test_bytes_are_seen_as_they_come(stage):
    pieces = []

    @stage.origin("app").on("POST /slow").call
    def slow(x):
        for piece in x:
            pieces.append(piece)
        return bo.reply(status=200)

    stage.client().post("/slow", body="abcd", send={"piece": 2, "every": "10s"}, expect=bo.expect(status=200, at_least="0s"))
    assert len(pieces) >= 2 and b"".join(pieces).endswith(b"abcd")
    stage.judge()


def test_what_a_function_returns_is_sent(stage):
    app = stage.origin("app")
    app.on("GET /bytes").call(lambda x: answer(b"bytes", x.serial))
    app.on("GET /reply").call(lambda x: bo.reply(status=200, body="reply", delay="30s"))
    app.on("GET /fault").call(lambda x: bo.reply(body="12345678", fault=bo.faults.close_in_header()))
    client = stage.client()
    assert client.get("/bytes").body == b"bytes"
    assert client.get("/reply", expect=bo.expect(at_least="30s", within="31s")).body == b"reply"
    assert client.get("/fault").status == 503
    stage.judge()


def test_a_function_closes_and_resets_when_it_likes(stage):
    app = stage.origin("app")

    @app.on("GET /close").call
    def close(x):
        x.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        x.close()

    @app.on("GET /reset").call
    def reset(x):
        x.reset()

    assert stage.client().get("/close", expect=bo.expect(attempts=1)).status == 200  # its head was through when it broke off
    assert stage.client().get("/reset").status == 503
    stage.judge()
    attempts = [t.fetches[0].attempts[0] for t in stage.capture]
    assert attempts[0].response.complete is False and attempts[1].response is None


def test_a_connection_serves_the_next_request_and_its_bytes_are_not_mixed(stage):
    heads, indices = [], []

    @stage.origin("app").on("* /*").call
    def every(x):
        indices.append(x.index)
        heads.append(x.read_all())
        return answer(x.target.encode(), x.serial)

    client = stage.client("kept")
    for number in range(4):
        body = "x" * number * 5000 if number else None
        assert client.request("POST" if body else "GET", f"/{number}", body=body).body == b"/%d" % number
    assert indices == [0, 1, 2, 3] or indices[0] == 0
    assert [(head.split(b" ")[1], len(head.partition(b"\r\n\r\n")[2])) for head in heads] == [(b"/%d" % n, n * 5000) for n in range(4)]
    stage.judge()


def test_sleep_is_by_the_clock_of_the_run(stage):
    @stage.origin("app").on("GET /x").call
    def late(x):
        assert x.sleep(40)
        return bo.reply(status=200, body="late")

    begun = time.monotonic()
    assert stage.client().get("/x", expect=bo.expect(at_least="40s", within="41s")).body == b"late"
    assert time.monotonic() - begun < 20
    stage.judge()


def test_scripted_routes_stand_beside_functions(stage):
    app = stage.origin("app")
    app.on("GET /function").call(lambda x: bo.reply(status=200, body="function"))
    app.on("GET /script").reply(status=200, body="script")
    assert [stage.client().get(f"/{one}").body for one in ("function", "script")] == [b"function", b"script"]
    with pytest.raises(bo.ScenarioError, match="answered by a Python function"):
        stage.scenario.yaml()
    evidence = stage.judge().evidence
    with open(f"{evidence}/scenario.yaml") as file:
        assert file.readline() == "# Answered by a program, which this file cannot hold: GET /function of origin app\n"


def test_async_functions_share_one_loop(stage):
    loops = set()

    @stage.origin("app").on("GET /*").call
    async def work(x):
        loops.add(asyncio.get_running_loop())
        await x.read_all()
        await x.sleep(5)
        return answer(x.target.encode(), x.serial)

    answers = stage.together(*(bo.request(f"GET /{n}") for n in range(8)))
    assert [one.body for one in answers] == [b"/%d" % n for n in range(8)]
    assert len(loops) == 1
    stage.judge()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_a_function_raises_is_raised_by_the_step(stage, kind):
    app = stage.origin("app")
    if kind == "sync":
        @app.on("GET /x").call
        def broken(x):
            raise KeyError("no such order")
    else:
        @app.on("GET /x").call
        async def broken_too(x):
            raise KeyError("no such order")
    with pytest.raises(KeyError, match="no such order"):
        stage.client().get("/x")
    assert stage.judge(check=False).outcome == "upheld"  # the origin reset the connection; the proxy did nothing wrong


def test_a_function_that_returns_something_else_is_told(stage):
    stage.origin("app").on("GET /x").call(lambda x: 200)
    with pytest.raises(TypeError, match="returns bytes, a Reply or nothing, not int"):
        stage.client().get("/x")


def test_a_function_is_told_that_its_connection_has_gone(stage):
    ended = threading.Event()

    @stage.origin("app").on("POST /x").call
    def wait(x):
        x.read_all()
        ended.set()

    stage.client().post("/x", body="0123456789", send={"stop_after": 4, "then": "close"})
    stage.judge(check=False)
    assert ended.wait(10)


CLIENTS = 50


@pytest.mark.parametrize(("kind", "requests"), [("sync", 20_000), ("async", 5_000)])
def test_under_load_nothing_is_lost(stage, kind, requests):
    lock, count = threading.Lock(), 0

    def answered(x):
        nonlocal count
        with lock:
            count += 1
        return answer(x.target.encode(), x.serial)

    app = stage.origin("app")
    if kind == "sync":
        app.on("GET /*").call(answered)
    else:
        async def later(x):
            return answered(x)
        app.on("GET /*").call(later)
    answers = stage.together(*(bo.request(f"GET /{n}", connection=f"c{n}", name=f"c{n}", repeat=requests // CLIENTS) for n in range(CLIENTS)))
    assert count == len(answers) == requests
    assert all(one.body == b"/" + one.name.partition("#")[0][1:].encode() for one in answers)
    stage.judge()
    assert len(stage.capture) == requests
