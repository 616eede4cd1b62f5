"""The live stage: what happens on it, what it raises, and how it ends."""
import asyncio
import pathlib
import threading
import time

import pytest

import badorigin as bo


def passing(stage, **routes):
    """An origin behind a cache that passes everything."""
    stage.proxy(policy="pass-gets")
    return stage.origin("app")


def test_a_response_tells_what_the_socket_received(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200, body="hello", fields=[("X-A", "1"), ("X-A", "2")], interim=103, chunked=True)
        answer = stage.client().get("/x")
        assert (answer.status, answer.body, answer.complete, answer.field("x-a")) == (200, b"hello", True, "1")
        assert answer.state == "answered" and answer.raw.startswith(b"HTTP/1.1 ")
        stage.judge()


def test_a_kept_connection_serves_one_request_after_the_other(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /*").reply(status=200, body="x")
        client = stage.client("kept")
        for number in range(3):
            assert client.get(f"/{number}", expect=bo.expect(reused=number > 0)).body == b"x"
        stage.judge()
        assert [one.client.index for one in stage.capture] == [0, 1, 2]


def test_routes_can_be_added_while_it_runs_and_scripted_ones_stay(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        app = passing(stage)
        app.on("GET /one").reply(status=200, body="1").then(status=200, body="2")
        assert stage.client().get("/one").body == b"1"
        app.on("GET /two").reply(status=200, body="new")
        assert stage.client().get("/two").body == b"new"
        assert stage.client().get("/one").body == b"2"  # what was used up stays so
        with pytest.raises(bo.ScenarioError, match="was scripted before the first step"):
            app.on("GET /one").then(status=500)
        with pytest.raises(bo.ScenarioError, match="the stage has begun"):
            stage.origin("another")
        stage.judge()


def test_the_written_scenario_of_a_stage_runs_the_same_from_a_file(tmp_path, command):
    with bo.Stage(out=tmp_path / "stage", id="written") as stage:
        passing(stage).on("GET /x").reply(status=200, body="a").then(fault=bo.faults.close_in_header(), body="bb")
        stage.client().get("/x", expect=bo.expect(status=200))
        stage.client().get("/x", expect=bo.expect(status=503, attempts=1))
        verdicts = stage.judge().verdicts()
        stage.scenario.save(tmp_path / "written.yaml")
    (tmp_path / "policies").symlink_to(bo.POLICIES.resolve())
    done = command("run", tmp_path / "written.yaml", "--out", tmp_path / "out", "--keep-evidence", "always")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out/bundled/written/verdicts.json").read_text() == verdicts


def test_a_wrong_step_is_refused_and_nothing_happened(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200)
        stage.client().get("/x")
        with pytest.raises(bo.ScenarioError, match="unknown name 'tll'"):
            stage.client().get("/x", at="tll + 2s")
        with pytest.raises(TypeError, match="expekt"):
            stage.client().get("/x", expekt={})
        with pytest.raises(bo.ScenarioError, match="did you mean 'status'"):
            stage.client().get("/x", expect={"statsu": 200})
        stage.judge()
        assert len(stage.capture) == 1


def test_a_wrong_query_is_refused_before_the_stage_is_taken_down(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200)
        stage.client().get("/x")
        stage.scenario.where("RespStats eq 200")
        with pytest.raises(bo.ScenarioError, match="RespStats"):
            stage.judge()
        stage.scenario._expect.clear()
        stage.judge()


def test_an_expectation_that_does_not_hold_is_a_violation_with_the_wire_and_the_evidence(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200, body="hello")
        stage.client().get("/x", expect=bo.expect(status=404))
        with pytest.raises(bo.Violation) as raised:
            stage.judge()
        assert raised.value.result.outcome == "violated"
        for part in ("expect step-1 status", "HTTP/1.1 200 OK", str(tmp_path)):
            assert part in str(raised.value)
    assert bo.judge(raised.value.result.evidence).verdicts() == raised.value.result.verdicts()


def test_a_premise_that_is_not_met_is_inconclusive(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200)
        stage.client().get("/x", premise=bo.expect(status=404))
        with pytest.raises(bo.Inconclusive):
            stage.judge()


def test_a_crash_of_the_proxy_is_raised_and_the_stage_can_be_judged(tmp_path):
    with bo.Stage(out=tmp_path, plant=["crash-on-failed-fetch"]) as stage:
        passing(stage).on("GET /x").reply(fault="close-before-response")
        with pytest.raises(bo.ProxyCrashed, match="signal 6"):
            stage.client().get("/x")
        with pytest.raises(bo.Violation, match="alive-and-serving"):
            stage.judge()


def test_a_proxy_that_cannot_be_started_says_why(tmp_path):
    with bo.Stage("varnish:/nowhere/varnishd", out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200)
        with pytest.raises(bo.SetUpError, match="/nowhere/varnishd"):
            stage.client().get("/x")
    with bo.Stage("vanish", out=tmp_path) as stage, pytest.raises(bo.SetUpError, match="varnish"):
        stage.client().get("/x")


def test_last_words_of_a_proxy_that_does_not_come_up(tmp_path):
    with bo.Stage("cmd:sh -c 'echo no room on this host >&2; exit 3'", out=tmp_path) as stage:
        stage.origin("app")
        stage.proxy(real=True)
        (tmp_path / "policies/default").mkdir(parents=True)
        (tmp_path / "policies/default/proxy.conf").write_text("")
        stage._settings["policies"] = str(tmp_path / "policies")
        with pytest.raises(bo.SetUpError, match="no room on this host"):
            stage.client().get("/x")


def test_virtual_time_takes_no_time(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200, delay="45s")
        begun = time.monotonic()
        stage.client().get("/x", expect=bo.expect(at_least="45s", within="46s"))
        stage.act(settle="1h")
        assert time.monotonic() - begun < 20
        stage.judge()


def test_requests_in_flight_are_told_when_they_end(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        app = passing(stage)
        app.on("GET /slow").reply(status=200, body="late", delay="5s")
        app.on("GET /fast").reply(status=200, body="now")
        slow = stage.client().get("/slow", name="slow", wait=False)
        with pytest.raises(bo.RunError, match="in flight"):
            slow.status
        assert stage.client().get("/fast").body == b"now"
        stage.act(await_="slow")
        assert slow.body == b"late"
        stage.judge()


def test_steps_can_be_awaited_beside_other_work(tmp_path):
    async def run():
        with bo.Stage(out=tmp_path) as stage:
            passing(stage).on("GET /x").reply(status=200, body="x", delay="1s")
            stage.proxy(clock="real", real=True)
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            (answer,) = await stage.step("GET /x")
            ticking.cancel()
            assert answer.body == b"x" and ticks > 10
            stage.judge()
    asyncio.run(run())


def test_a_cancelled_step_ends_the_run(tmp_path):
    async def run():
        with bo.Stage(out=tmp_path) as stage:
            passing(stage).on("GET /x").reply(status=200, delay="60s")
            stage.proxy(clock="real", real=True)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(stage.step("GET /x"), 0.5)
            assert stage.judge(check=False).outcome == "error"
    begun = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - begun < 20


CTRL_C = """
import sys, threading, time, badorigin as bo
try:
    with bo.Stage(out=sys.argv[1]) as stage:
        app = stage.origin("app")
        if sys.argv[2] == "function":
            @app.on("GET /x").call
            def slow(x):
                print("begun", flush=True)
                x.read_all()
                while not x.gone:
                    x.sleep(1)
        else:
            app.on("GET /x").reply(status=200, delay="60s")
        stage.proxy(policy="pass-gets", clock="real", real=True)
        pending = stage.step("GET /x")
        if sys.argv[2] != "function":
            def tell(main=threading.get_ident()):  # not before the result is waited for
                while sys._current_frames()[main].f_code.co_name != "result":
                    time.sleep(0.001)
                print("begun", flush=True)
            threading.Thread(target=tell).start()
        try:
            pending.result()
        finally:
            print(stage.judge(check=False).reason)
except KeyboardInterrupt:
    sys.exit(42)
"""


@pytest.mark.parametrize("kind", ["script", "function"])
def test_ctrl_c_ends_a_stage_in_good_order(tmp_path, interrupted, kind):
    first, rest = interrupted(CTRL_C, tmp_path / "out", kind)
    assert (first, rest.returncode, rest.stdout.strip()) == ("begun\n", 42, "interrupted")
    assert (tmp_path / "out/bundled/python/stage/manifest.json").exists()


CTRL_C_IN_A_SUITE = """
import sys, badorigin as bo
try:
    bo.run(out=sys.argv[1], jobs=1, told=lambda one: print(one.scenario, flush=True))
except KeyboardInterrupt:
    sys.exit(42)
"""


def test_ctrl_c_ends_a_suite_in_good_order(tmp_path, interrupted):
    first, rest = interrupted(CTRL_C_IN_A_SUITE, tmp_path / "out")
    assert "/" in first and rest.returncode == 42


def test_what_a_listener_raises_ends_the_suite(tmp_path):
    def told(one):
        raise LookupError(one.scenario)
    with pytest.raises(LookupError):
        bo.run(bo.SCENARIOS / "saint", out=tmp_path, told=told)


def test_a_closed_stage_stays_closed(tmp_path):
    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200)
        stage.client().get("/x")
    with pytest.raises(bo.RunError, match="closed"):
        stage.client().get("/x")
    with pytest.raises(bo.RunError, match="closed"):
        stage.judge()


def test_a_stage_that_is_left_alone_leaves_nothing_behind(python):
    done = python("import badorigin as bo\nstage = bo.Stage()\nstage.origin('app').on('GET /x').reply(status=200)\n"
                  "stage.client().get('/x')\nprint(stage._out)\n", check=False)
    assert done.returncode == 0, done.stderr
    assert not pathlib.Path(done.stdout.strip()).exists()


def test_other_threads_go_on_while_a_step_is_performed(tmp_path):
    count, stop = 0, threading.Event()

    def work():
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0.001)

    with bo.Stage(out=tmp_path) as stage:
        passing(stage).on("GET /x").reply(status=200, delay="1s")
        stage.proxy(clock="real", real=True)
        thread = threading.Thread(target=work)
        thread.start()
        stage.client().get("/x")
        stop.set()
        thread.join()
        assert count > 100
        stage.judge()


def test_an_async_function_that_does_not_end_is_cancelled_with_the_run(tmp_path, python):
    done = python("""
import asyncio, badorigin as bo
ends = []
with bo.Stage() as stage:
    @stage.origin("app").on("GET /x").call
    async def slow(x):
        x.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        try:
            await asyncio.sleep(1000)
        finally:
            ends.append("cancelled")
    stage.proxy(policy="pass-gets", clock="real", real=True)
    assert stage.client().get("/x").status == 200
    print(stage.judge().outcome, ends)
""")
    assert (done.stdout, done.stderr) == ("upheld ['cancelled']\n", "")


def test_what_is_not_there_is_said(tmp_path):
    with bo.Stage() as stage, pytest.raises(bo.ScenarioError, match="there is nothing to judge"):
        stage.judge()
    with pytest.raises(bo.RunError, match="the stage is closed"):
        stage.client().get("/x")
    for wrong, why in (("nowhere.yaml", "no such file or folder"), (tmp_path, "there is no scenario in it"), ([], "nothing to run: there is no scenario")):
        with pytest.raises(bo.ScenarioError, match=why):
            bo.run(wrong, out=tmp_path / "out")
    with pytest.raises(bo.ScenarioError, match="nothing to run: there is no proxy"):
        bo.run(proxy=[], out=tmp_path / "out")
    with pytest.raises(bo.ScenarioError, match="nowhere: no such file or folder"):
        bo.find_scenarios(tmp_path / "nowhere")
    with pytest.raises(bo.ScenarioError, match="nowhere.yaml: no such file"):
        bo.Scenario.load(tmp_path / "nowhere.yaml")
    with pytest.raises(AttributeError, match="has no wire, only id, kind"):
        bo.rules()[0].wire


def test_a_file_may_hold_any_bytes(tmp_path):
    """As for the command line, what is no UTF-8 is text with surrogate escapes, and is written as it was."""
    file, again = tmp_path / "bytes.yaml", tmp_path / "again/bytes.yaml"
    again.parent.mkdir()
    file.write_bytes(b'claim: "gr\xc3\xbcn \xff"\nsteps:\n  - {client: GET /}\n')
    scenario = bo.Scenario.load(file)
    scenario.save(again)
    assert scenario.claim == "grün \udcff" and again.read_bytes() == file.read_bytes()
    assert bo.Scenario.load(again) == scenario
