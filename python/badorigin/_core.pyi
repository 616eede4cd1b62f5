"""The extension module: what the C++ libraries say. Text that is no UTF-8 has surrogate escapes. Times are seconds, sizes bytes."""
from collections.abc import Callable
from typing import Any

version: str

def fault_catalogue() -> list[tuple[str, str, str, str, str, str]]:
    """id, place, on the wire, breaks, who, arguments (fake-backends/faults.h)."""

def rule_catalogue() -> list[tuple[str, str, str, str, str, str]]:
    """id, kind, demands, source, planted bugs, needs (harness/judge/judge.h)."""

def record_tags() -> list[str]:
    """Every tag that a query may name, sorted."""

class Script:
    """A resolved scenario (harness/scenario/scenario.h); equal where it means the same."""

    @property
    def id(self) -> str: ...
    @property
    def claim(self) -> str: ...
    @property
    def covers(self) -> list[str]: ...
    @property
    def sections(self) -> list[str]: ...
    @property
    def policy(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def real_time(self) -> bool:
        """What durations were resolved for."""
    @property
    def promises(self) -> dict[str, float]: ...
    @property
    def origins(self) -> list[str]: ...
    @property
    def steps(self) -> list[str]: ...
    @property
    def clients(self) -> list[tuple[int, str, str, int, bool]]:
        """Index of the step, name, method, how often, whether the next step waits for it."""
    def yaml(self) -> str:
        """An ordinary file with literal durations that reads back as the same."""
    def __eq__(self, other: object) -> bool: ...

def write_document(document: dict[str, Any], /) -> str:
    """dict, list, str, bytes, int, float and bool as YAML; TypeError for anything else."""

def read_scenario(yaml: str, file: str, id: str, real_time: bool, seed: int) -> Script:
    """Raises ScenarioError with a line for every problem."""

def find_scenarios(path: str, /) -> list[str]:
    """Scenario files below a path, sorted; policies/ left out."""

def ids_in(file: str, root: str) -> list[str]:
    """Of the scenario in a file, or of the cases of a table."""

def near_miss(word: str, known: list[str], /) -> str:
    """The nearest word, or empty."""

def has_virtual_time(proxy: str, programs: str, /) -> bool: ...
def why_not_startable(proxy: str, programs: str, /) -> str:
    """A sentence; empty: it can be started."""

def proxy_kind(proxy: str, programs: str, /) -> str:
    """"bundled", "varnish", "cmd", "at"."""

class Message:
    """An HTTP/1.x message as it stood on the wire (http/message.h)."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def status(self) -> int:
        """0: a request, or a response without a status line that can be read."""
    @property
    def reason(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def fields(self) -> list[tuple[str, str]]: ...
    @property
    def trailers(self) -> list[tuple[str, str]]: ...
    @property
    def framing(self) -> str:
        """"none", "length", "chunked", "until-close", "tunnel", "headerless"."""
    @property
    def content(self) -> bytes:
        """Chunk framing taken off; of a capture at most the first 64 KiB."""
    @property
    def content_size(self) -> int:
        """All of it."""
    @property
    def complete(self) -> bool:
        """Ended as framed."""
    @property
    def header_complete(self) -> bool: ...
    @property
    def offset(self) -> int:
        """Of its first byte in the stream."""
    @property
    def anomalies(self) -> list[tuple[str, int]]:
        """The grammar rule that is broken (docs/glossary.md), and at which byte of the stream."""
    def field(self, name: str, /) -> str | None:
        """The first value of that name, in any case."""

def read_responses(bytes: bytes, method: str, closed: bool) -> list[Message]:
    """The responses in these bytes, interim ones too. method: of the request that the last one answers."""

class Exchange:
    """A request with its interim and final responses on one connection (capture/exchange.h)."""

    @property
    def id(self) -> int: ...
    @property
    def connection(self) -> int: ...
    @property
    def client(self) -> str:
        """Who connected, "127.0.0.1:40000"."""
    @property
    def server(self) -> str: ...
    @property
    def server_name(self) -> str:
        """"proxy", "origin:app"; empty: unknown."""
    @property
    def index(self) -> int:
        """On its connection, from 0."""
    @property
    def reused(self) -> bool: ...
    @property
    def idle_before(self) -> float: ...
    @property
    def gap(self) -> bool:
        """Some byte of it is missing from the capture."""
    @property
    def token(self) -> str: ...
    @property
    def serial(self) -> str: ...
    @property
    def request(self) -> Message | None: ...
    @property
    def response(self) -> Message | None: ...
    @property
    def interim(self) -> list[Message]: ...
    @property
    def frames(self) -> list[int]:
        """As Wireshark counts; of each message at most 64."""
    @property
    def time(self) -> float:
        """Of its first byte, since 1970."""
    @property
    def wire(self) -> str:
        """As reports show it."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

class Fetch:
    """One or more attempts with the same request, made for one client exchange."""

    @property
    def attempts(self) -> list[Exchange]: ...
    @property
    def joined(self) -> str:
        """"certain", "likely", "ambiguous" (docs/joining.md)."""
    @property
    def by(self) -> str: ...

class Transaction:
    """A client's exchange and the fetches made for it; `client` None: asked on nobody's behalf that is known."""

    @property
    def client(self) -> Exchange | None: ...
    @property
    def delivered_from(self) -> Exchange | None:
        """The origin exchange whose response the client got."""
    @property
    def fetches(self) -> list[Fetch]: ...
    def row(self) -> str:
        """A row of docs/log-schema.json."""
    def _repr_html_(self) -> str: ...

class Query:
    """Raises ValueError with a caret line."""

    def __init__(self, text: str, /) -> None: ...

class Group:
    """Records that belong together; str() is as varnishlog prints them."""

    @property
    def id(self) -> int: ...
    @property
    def records(self) -> list[tuple[int, str, str, str, int, int]]:
        """level, tag, value, side ("c", "b", "-"), exchange, frame."""

class Groups:
    """All groups of a capture."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> Group: ...
    def select(self, query: Query, begin: int, end: int, /) -> list[int]:
        """Indices in [begin, end) that match."""

class Column:
    """Numbers as a buffer of 8-byte elements: memoryview and numpy.asarray copy nothing. Read only."""

    @property
    def view(self) -> memoryview: ...
    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> float: ...

class Capture:
    """Evidence (capture/evidence.h); a sequence of transactions."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> Transaction: ...
    @property
    def exchange_count(self) -> int: ...
    def exchange(self, at: int, /) -> Exchange: ...
    @property
    def frames(self) -> int: ...
    @property
    def incomplete(self) -> list[str]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def proxies(self) -> list[str]: ...
    def groups(self, by: str, /) -> Groups: ...
    def columns(self) -> dict[str, Column]: ...
    def verify(self, promised: Script | None, advice: bool) -> Result: ...

def read_bundle(folder: str, /) -> Capture:
    """Raises RunError with a sentence that names the file."""

def read_files(files: list[str], proxies: list[str]) -> Capture:
    """Raises RunError; Ctrl-C stops the reading."""

class Finding:
    """What the judge says of one claim (harness/judge/finding.h)."""

    @property
    def claim(self) -> str:
        """A rule's id, "expect STEP KEY", "where QUERY", …"""
    @property
    def kind(self) -> str:
        """"required", "advice", "expectation", "premise"."""
    @property
    def outcome(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def citations(self) -> list[str]:
        """What it rests on."""
    def _repr_html_(self) -> str: ...

class Result:
    """A verdict with what it was reached on."""

    @property
    def scenario(self) -> str: ...
    @property
    def proxy(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def decisive(self) -> str:
        """What of the outcome decides a run (harness/judge/finding.h)."""
    @property
    def kind(self) -> str: ...
    @property
    def sections(self) -> list[str]: ...
    @property
    def reason(self) -> str: ...
    @property
    def claim(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def evidence(self) -> str: ...
    @property
    def evidence_kind(self) -> str: ...
    @property
    def took(self) -> float: ...
    @property
    def findings(self) -> list[Finding]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def wire(self) -> list[str]: ...
    def verdicts(self) -> str: ...
    def citations(self) -> str: ...
    def report(self) -> str: ...
    def _repr_html_(self) -> str: ...

def exit_code(results: list[Result], /) -> int: ...
def judge_bundle(folder: str, /) -> Result: ...
def html(results: list[Result], /) -> str: ...
def write_html(file: str, results: list[Result], /) -> None: ...
def write_junit(file: str, results: list[Result], /) -> None: ...
def write_json(file: str, results: list[Result], /) -> None: ...
def run(files: list[str], proxies: list[str], settings: dict[str, Any], told: Callable[[Result], None] | None) -> list[Result]:
    """harness/stage/runner.h. settings: policies, programs, out, root, seed, jobs, plant, keep, evidence, start_deadline, stop_deadline,
    only (ids; empty: all)."""

class Replay:
    """What a replay on one proxy found (harness/replay/replay.h)."""

    @property
    def outcome(self) -> str:
        """Of the verdict and the comparison."""
    @property
    def judged(self) -> Result: ...
    def json(self) -> str:
        """replay.json of the bundle."""
    def report(self) -> str: ...

def import_traffic(capture: Capture, settings: dict[str, Any]) -> tuple[list[Script], list[str]]:
    """Scenarios, and what was left out (harness/traffic/traffic.h). settings: policy, promises, values, origins, rules_off, keep_secrets, all, most."""

def replay(capture: Capture, proxy: str, about: dict[str, Any], run: dict[str, Any], told: Callable[[int, int], None] | None) -> Replay:
    """about: as for import_traffic, and speed, virtual_time, faults, volatile, allow_file, allow_text. run: as for run. Raises ValueError, RunError."""

class Following:
    """A capture that goes on (harness/live/live.h). Raises SetUpError where it cannot begin."""

    def __init__(self, interface: str, filter: str, proxies: list[str], query: Query | None) -> None: ...
    def look(self, patience: float, /) -> list[Transaction]:
        """Transactions that are over and were not given yet; waits for `patience` seconds at most. Raises RunError."""
    def end(self) -> list[Transaction]:
        """Ends the capture; the rest. Once."""
    @property
    def kernel_drops(self) -> int: ...

class Handover:
    """A request that is answered from outside of the peers' loop (fake-backends/handover.h)."""

    @property
    def origin(self) -> str: ...
    @property
    def serial(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def fields(self) -> list[tuple[str, str]]: ...
    @property
    def gone(self) -> bool: ...
    def read(self) -> bytes: ...
    def write(self, what: bytes, /) -> None: ...
    def answer(self, script: Script, /) -> None:
        """With the first reply of the first origin."""
    def sleep(self, seconds: float, /) -> bool: ...
    def close(self) -> None: ...
    def reset(self) -> None: ...
    def done(self) -> None: ...

class HandoverQueue:
    """From the loop's thread to Python's."""

    def __init__(self) -> None: ...
    def next(self) -> tuple[int, Handover] | None:
        """Waits; None: closed."""
    def close(self) -> None: ...

class PendingSteps:
    """Awaited of a session."""

    def ready(self, patience: float = 0.0) -> bool: ...
    def result(self) -> list[tuple[str, str, bytes]]:
        """Name, state, bytes of each answer that is in. Ctrl-C ends the run."""

class PendingResult:
    """Awaited of a session."""

    def ready(self, patience: float = 0.0) -> bool: ...
    def result(self) -> Result: ...

class Session:
    """harness/stage/session.h. settings: as for run."""

    def __init__(self, proxy: str, begin: Script, settings: dict[str, Any]) -> None: ...
    @property
    def not_applicable(self) -> str: ...
    def hand_over(self, origin: str, method: str, target: str, queue: HandoverQueue, key: int, /) -> None: ...
    def perform(self, longer: Script, /) -> PendingSteps: ...
    def end(self, last: Script, /) -> PendingResult: ...
    def interrupt(self) -> None: ...
