"""Live traffic as an iterator: each transaction once, ended by a deadline, a stop, or Ctrl-C."""
import http.client
import http.server
import os
import threading

import pytest

import badorigin as bo

DEADLINE = 60
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="capturing on this machine's lo is root's")


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(500 if self.path == "/bad" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture
def port():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port, target):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    client.request("GET", target)
    assert client.getresponse().read() == b"ok"
    client.close()


def follow(port, **how):
    return bo.follow(filter=f"tcp port {port}", proxies=[f"127.0.0.1:{port}"], **{"deadline": DEADLINE, **how})


def targets(transactions):
    return [one.client.request.target for one in transactions]


def test_each_transaction_comes_once_while_it_goes_on_and_a_stop_ends_it(port):
    with follow(port) as traffic:
        ask(port, "/first")
        first = next(traffic)
        for number in range(5):
            ask(port, f"/{number}")
        second = next(traffic)
        threading.Timer(0.2, traffic.stop).start()
        rest = list(traffic)
        assert next(traffic, None) is None and traffic.kernel_drops == 0
    assert targets([first, second, *rest]) == ["/first", "/0", "/1", "/2", "/3", "/4"]
    assert first.client.response.status == 200 and "GET /first" in first.client.wire  # it keeps what it was read from


def test_a_deadline_ends_it_and_gives_what_is_left(port):
    traffic = follow(port, deadline=0.5)
    ask(port, "/last")
    assert targets(traffic) == ["/last"]


def test_a_query_selects(port):
    with follow(port, query="RespStatus >= 500") as traffic:
        for target in ("/good", "/bad", "/good"):
            ask(port, target)
        traffic.stop()
        assert targets(traffic) == ["/bad"]


def test_nothing_is_given_after_a_close(port):
    with follow(port) as traffic:
        ask(port, "/lost")
    assert list(traffic) == []
    traffic.close()


def test_other_threads_run_while_it_waits(port):
    traffic, ticks = follow(port, deadline=1), []
    beside = threading.Thread(target=lambda: [ticks.append(threading.Event().wait(0.01)) for _ in range(40)])
    beside.start()
    assert list(traffic) == []
    beside.join(timeout=0)
    assert len(ticks) == 40


def test_wrong_words_are_sentences():
    with pytest.raises(bo.SetUpError, match="no-such-0"):
        bo.follow("no-such-0")
    with pytest.raises(ValueError, match='there is no tag "Foo"'):
        bo.follow(query="Foo eq 1")


CTRL_C = """
import os, sys, badorigin as bo
try:
    with bo.follow(deadline=60) as traffic:
        print("begun", len(os.listdir(os.environ["TMPDIR"])), flush=True)
        next(traffic)
except KeyboardInterrupt:
    sys.exit(42)
"""


def test_ctrl_c_ends_it_and_leaves_nothing(tmp_path, interrupted):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    first, rest = interrupted(CTRL_C, environment={"TMPDIR": str(temporary)})
    assert (first, rest.returncode, list(temporary.iterdir())) == ("begun 1\n", 42, [])
