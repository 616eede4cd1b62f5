"""`Capture.replay` finds what the command line finds, waits without the GIL, and can be interrupted."""
import json
import pathlib
import threading

import pytest

import badorigin as bo

PAGES, TRANSACTIONS = 3, 12


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The bundle of some traffic by pass."""
    with bo.Stage(claim="Traffic", id="shop", out=tmp_path_factory.mktemp("shop"), keep="always") as stage:
        app = stage.origin("app")
        app.on("GET /page/*").reply(200, "page", fields={"Content-Type": "text/plain"})
        app.on("POST /orders").reply(201, "thanks")
        stage.proxy(policy="pass-gets")
        for number in range(TRANSACTIONS // 2):
            stage.client().get(f"/page/{number % PAGES}")
            stage.client().post("/orders", body=bo.body(200, seed=number), at="1s" if number == 0 else None)
        return pathlib.Path(stage.judge().evidence)


def test_a_replay_through_the_same_proxy_differs_in_nothing(shop, tmp_path):
    replay = bo.read(shop).replay(clock="virtual", policy="pass-gets", out=tmp_path).check()
    assert (replay.outcome, replay.judged.outcome, replay.differences, replay.proxy) == ("upheld", "upheld", [], "bundled")
    assert replay.evidence == f"{tmp_path}/bundled/replay-shop" and bo.judge(replay.evidence).verdicts() == replay.judged.verdicts()
    assert replay.details["timing_error"]["requests"]["most_s"] == 0 and "0 differences" in replay.report()


STORM = bo.storm("status_storm", status=502, on="/page/*", from_="0s", lasts="10h")


def test_differences_are_those_of_the_command_line(shop, command, tmp_path):
    replay = bo.read(shop).replay(clock="virtual", policy="pass-gets", faults=[STORM], out=tmp_path / "here")
    done = command("replay", shop, "--clock", "virtual", "--policy", "pass-gets", "--fault", STORM, "--format", "json", "-o", tmp_path / "there")
    (told,) = json.loads(done.stdout)["replays"]
    assert (done.returncode, replay.outcome, told["outcome"]) == (1, "violated", "violated"), done.stderr
    assert replay.details["differences"] == told["differences"]
    assert [vars(one) for one in replay.differences] == [
        {"name": "", "fault": "", "allowed": ""} | {key.replace("at_s", "at"): value for key, value in row.items()} for row in told["differences"]]
    assert json.loads((pathlib.Path(replay.evidence) / "replay.json").read_text()) == replay.details
    statuses = [one for one in replay.differences if one.kind == "status"]
    assert [(one.then, one.now, one.fault) for one in statuses] == [("200", "502", STORM)] * (TRANSACTIONS // 2)
    assert bo.read(shop)[statuses[0].exchange - 1].client.request.target == statuses[0].request.split()[1]


def test_a_difference_that_is_not_allowed_fails_the_check(shop, tmp_path):
    with pytest.raises(bo.Violation, match="differs in status, 6 times"):
        bo.read(shop).replay(speed="max", policy="pass-gets", faults=[STORM], out=tmp_path).check()


def test_what_is_allowed_is_given_as_values_or_as_a_file(shop, tmp_path):
    file = tmp_path / "allow.json"
    known = [{"target": "/page/*", "reason": "the storm is known"}, {"kind": "body", "reason": "nobody's"}]
    file.write_text(json.dumps({"allowed": known}))
    for allow in (known, file):
        replay = bo.read(shop).replay(speed="max", policy="pass-gets", faults=[STORM], allow=allow, out=tmp_path).check()
        assert replay.not_allowed == [] and {one.allowed for one in replay.differences} == {"the storm is known"}
        assert replay.details["allowed_nothing"] == ["nobody's"]


def test_a_policy_is_a_file_of_your_own(shop, tmp_path):
    policy = tmp_path / "own.vcl"
    policy.write_text('vcl 4.1;\nbackend app { .host = "{origin:app.host}"; .port = "{origin:app.port}"; }\n'
                      'sub vcl_recv { return (pass); }\nsub vcl_deliver { set resp.http.X-Own = "yes"; }\n')
    replay = bo.read(shop).replay(speed="max", policy=policy, out=tmp_path / "out")
    assert {(one.kind, one.name, one.then, one.now) for one in replay.differences} == {("field", "x-own", "absent", "yes")}
    assert bo.read(shop).replay(speed="max", policy=policy, volatile=["X-Own"], out=tmp_path / "out").outcome == "upheld"


def test_wrong_words_are_sentences(shop, tmp_path):
    capture = bo.read(shop)
    for words, why in (({"speed": "fast"}, "max or a number"), ({"faults": ["status_strom from 1s for 1s"]}, "did you mean status-storm?"),
                       ({"allow": [{"knid": "status", "reason": "x"}]}, "entry 1: there is no key knid; did you mean kind?"),
                       ({"allow": tmp_path / "nowhere.json"}, "nowhere.json: No such file"), ({"promises": {"ttl": "soon"}}, "no duration")):
        with pytest.raises(ValueError, match=why.replace("?", r"\?")):
            capture.replay(out=tmp_path, **words)
    with pytest.raises(bo.ScenarioError, match="no-such-policy"):
        capture.replay(policy="no-such-policy", out=tmp_path)
    with pytest.raises(bo.SetUpError, match="frobnicate"):
        capture.replay("frobnicate", out=tmp_path)


def test_other_threads_run_and_progress_is_told(shop, tmp_path):
    told, ticks, over = [], [], threading.Event()

    def tick():
        while not over.wait(0.01):
            ticks.append(1)

    beside = threading.Thread(target=tick)
    beside.start()
    try:
        bo.read(shop).replay(speed=0.5, policy="pass-gets", out=tmp_path, told=lambda done, all: told.append((done, all)))  # 2 s
    finally:
        over.set()
        beside.join()
    assert len(ticks) > 50
    assert told == sorted(told) and told[-1] == (TRANSACTIONS, TRANSACTIONS) and len(told) < 30


def test_what_the_teller_raises_ends_it(shop, tmp_path):
    def stop(_over, _all):
        raise LookupError("enough")
    with pytest.raises(LookupError, match="enough"):
        bo.read(shop).replay(speed=0.01, policy="pass-gets", out=tmp_path, told=stop)


CTRL_C = """
import pathlib, sys, badorigin as bo
def proxies():  # each has a supervisor of its own
    children = [pathlib.Path("/proc", child) for task in pathlib.Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]
    return sum("supervisor" in (child / "comm").read_text() for child in children)
try:
    bo.read(sys.argv[1]).replay(speed=0.01, policy="pass-gets", out=sys.argv[2], told=lambda over, all: print("running", proxies(), flush=True))
except KeyboardInterrupt:
    print("left", proxies())
"""


def test_ctrl_c_ends_it_and_keeps_the_evidence(shop, tmp_path, interrupted):
    first, rest = interrupted(CTRL_C, shop, tmp_path)
    assert (first, rest.stdout.splitlines()[-1:], rest.stderr) == ("running 1\n", ["left 0"], "")
    manifest = tmp_path / "bundled/replay-shop/manifest.json"
    assert json.loads(manifest.read_text())["interrupted"] == "interrupted"
