"""The stage: what is written is performed at once. Scripted origins, the proxy, a capture, clients; in the end the judge.

What is built is a `Scenario`, step by step; each step hands the longer scenario to the session (harness/stage/session.h), which performs
what is new. So the evidence of a Python test holds the same scenario as a YAML file would.
"""
from __future__ import annotations

import asyncio
import atexit
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal

from . import _core
from ._capture import Capture
from ._errors import BadoriginError, NotApplicable, RunError, ScenarioError
from ._origins import Answerers
from ._places import POLICIES, PROGRAMS
from ._results import Result
from ._scenario import Origin, Request, Rules, Scenario
from ._values import Duration, OriginAct, Reply, Text, plain

_open: weakref.WeakSet[Stage] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for stage in list(_open):
        stage.close()


class Response:
    """What our own socket received in answer to a request: to steer by. Verdicts are of the packets (`expect=`, rules, `stage.capture`)."""

    def __init__(self, name: str, method: str) -> None:
        self.name = name
        """Of the step; "NAME#2" is its second repetition."""
        self.state = "running"
        """"running", "answered", "closed without an answer", "refused", "gave up"."""
        self.raw = b""
        """All bytes, interim responses included."""
        self._method = method
        self._messages: list[_core.Message] = []

    def _heard(self, state: str, raw: bytes) -> None:
        self.state, self.raw = state, raw
        self._messages = _core.read_responses(raw, self._method, state != "answered")

    @property
    def message(self) -> _core.Message | None:
        """The final response; None where none came."""
        return next((m for m in reversed(self._messages) if m.status >= 200 or m.status == 0), None)

    @property
    def interim(self) -> list[_core.Message]:
        """Interim responses (1xx)."""
        return [m for m in self._messages if 100 <= m.status < 200]

    @property
    def status(self) -> int | None:
        """None where no response came; 0 where it has no status line that can be read."""
        if self.state == "running":
            raise RunError(f"{self.name} is in flight: await it (stage.act(await_=\"{self.name}\")) before its answer is asked for")
        return self.message.status if self.message else None

    @property
    def body(self) -> bytes:
        """The content, chunks put together; as much as came."""
        return self.message.content if self.message else b""

    @property
    def complete(self) -> bool:
        """It ended as framed."""
        return bool(self.message and self.message.complete)

    def field(self, name: str) -> str | None:
        """The first value of that name."""
        return self.message.field(name) if self.message else None

    def __repr__(self) -> str:
        return f"<Response {self.name}: {self.status if self.state == 'answered' else self.state}>"


class PendingStep:
    """A step that is being performed: `result()` waits, and so does `await`. Steps are performed in the order in which they were written."""

    def __init__(self, stage: Stage, pending: _core.PendingSteps, responses: list[Response]) -> None:
        self._stage = stage
        self._pending = pending
        self._responses = responses

    def result(self) -> list[Response]:
        """What the step's clients got, one each; of a repeated one all. Raises what ended the run, ProxyCrashed, and what a function that
        answers requests has raised."""
        try:
            heard = self._pending.result()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):  # it may have come before the core began to wait
                self._stage._interrupt()
            self._stage._answerers.take_error()
            raise
        return self._settle(heard)

    def _settle(self, heard: list[tuple[str, str, bytes]]) -> list[Response]:
        for name, state, raw in heard:
            self._stage._responses[name]._heard(state, raw)
        if (error := self._stage._answerers.take_error()) is not None:
            raise error
        return self._responses

    def _wait(self) -> None:
        while not self._pending.ready(0.2):
            pass

    async def _result(self) -> list[Response]:
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._wait)
        except asyncio.CancelledError:
            self._stage._interrupt()
            raise
        return self.result()

    def __await__(self) -> Generator[Any, None, list[Response]]:
        return self._result().__await__()


class Client:
    """Sends requests. One with a name keeps its connection from request to request, one without has a new one each time."""

    def __init__(self, stage: Stage, connection: str | None) -> None:
        self._stage = stage
        self._connection = connection

    def request(self, method: str, target: str, *, at: Duration | None = None, name: str | None = None, **words: Any) -> Response:
        """Sends it and waits for the answer (words: `badorigin.request`). Of a repeated request, the last answer."""
        return self._stage.step(f"{method} {target}", at=at, name=name, **self._kept(words)).result()[-1]

    def raw(self, what: Text, *, at: Duration | None = None, name: str | None = None, **words: Any) -> Response:
        """Sends these bytes as they are."""
        return self._stage.step(at=at, name=name, raw=what, **self._kept(words)).result()[-1]

    def get(self, target: str, **words: Any) -> Response:
        """GET."""
        return self.request("GET", target, **words)

    def head(self, target: str, **words: Any) -> Response:
        """HEAD."""
        return self.request("HEAD", target, **words)

    def post(self, target: str, **words: Any) -> Response:
        """POST."""
        return self.request("POST", target, **words)

    def put(self, target: str, **words: Any) -> Response:
        """PUT."""
        return self.request("PUT", target, **words)

    def delete(self, target: str, **words: Any) -> Response:
        """DELETE."""
        return self.request("DELETE", target, **words)

    def _kept(self, words: dict[str, Any]) -> dict[str, Any]:
        return {"connection": self._connection, **words} if self._connection else words


class Stage:
    """One run against one proxy. Name origins and the proxy first; the first step starts everything.

    proxy: "bundled", "varnish", "varnish:/path/to/varnishd", "cmd:command line", "at:HOST:PORT". policies: folder of policies.
    out: where evidence goes (default: a folder of its own, removed at the end unless something was not upheld; keep: "always" or "never").
    plant: bugs that the bundled cache commits on purpose. evidence: "libpcap", or "tap" without the right to capture. Times in seconds.
    """

    def __init__(
        self,
        proxy: str = "bundled",
        *,
        claim: str = "A stage of Python",
        id: str = "python/stage",
        policies: str | pathlib.Path | None = None,
        out: str | pathlib.Path | None = None,
        seed: int = 1,
        plant: Sequence[str] = (),
        evidence: Literal["libpcap", "tap"] = "libpcap",
        keep: Literal["always", "violated", "never"] = "violated",
        start_deadline: float = 20.0,
        stop_deadline: float = 5.0,
    ) -> None:
        self.scenario = Scenario(claim, id=id)
        """What has been built so far."""
        self._spec = proxy
        self._only: str | None = None  # pytest: the proxy that --badorigin-proxy asks for
        self._keep = keep
        self._own_out = out is None
        self._out = pathlib.Path(out) if out is not None else None
        self._settings: dict[str, Any] = {"policies": str(policies or POLICIES), "programs": str(PROGRAMS), "seed": seed, "plant": list(plant),
                                          "evidence": evidence, "keep": "always", "start_deadline": start_deadline,
                                          "stop_deadline": stop_deadline}
        self._session: _core.Session | None = None
        self._closed = False
        self._real_time = False
        self._responses: dict[str, Response] = {}
        self._performed = 0
        self._answerers = Answerers(self._resolve)
        self._result: Result | None = None
        self._capture: Capture | None = None
        _open.add(self)

    # What is scripted

    def proxy(
        self,
        proxy: str | None = None,
        *,
        policy: str | None = None,
        proxies: Mapping[str, str] | None = None,
        promises: Mapping[str, Duration] | None = None,
        real: Mapping[str, Duration] | bool | None = None,
        values: Mapping[str, str] | None = None,
        clock: Literal["real", "virtual"] | None = None,
        proxy_protocol: bool | None = None,
        plant: Sequence[str] | None = None,
    ) -> None:
        """Which proxy (default: the one that the stage was made for), and how it is configured (words: `Scenario`)."""
        self._before_start("proxy")
        if proxy is not None:
            if self._only is not None and _core.proxy_kind(proxy, str(PROGRAMS)) != _core.proxy_kind(self._only, str(PROGRAMS)):
                raise NotApplicable(f"the test is about {proxy}, and --badorigin-proxy asks for {self._only}")
            self._spec = self._only or proxy
        if plant is not None:
            self._settings["plant"] = list(plant)
        words = {"policy": policy, "proxies": proxies, "promises": promises, "real": real, "values": values, "clock": clock,
                 "proxy_protocol": proxy_protocol}
        self.scenario._words.update((key, plain(value)) for key, value in words.items() if value is not None)

    def origin(self, name: str, listen: Any = None) -> Origin:
        """The origin of that name; new ones before the first step."""
        if name not in self.scenario._origins:
            self._before_start(f"origin {name}")
        return self.scenario.origin(name, listen)

    @property
    def rules(self) -> Rules:
        """`stage.rules.off(rule, reason=…)`."""
        return self.scenario.rules

    # What happens

    def client(self, connection: str | None = None) -> Client:
        """A client; with a name, its connection is kept."""
        return Client(self, connection)

    def step(self, client: str | None = None, *, at: Duration | None = None, name: str | None = None, **words: Any) -> PendingStep:
        """Begins a step (words: `badorigin.request`) and returns at once; `.result()` or `await` gives its responses."""
        return self._perform(lambda: self.scenario.step(client, at=at, name=name, **words))

    def together(self, *clients: Request, at: Duration | None = None, name: str | None = None,
                 origin: Mapping[str, OriginAct] | None = None) -> list[Response]:
        """Several requests at once, and their responses."""
        return self._perform(lambda: self.scenario.together(*clients, at=at, name=name, origin=origin)).result()

    def act(self, **words: Any) -> list[Response]:
        """A step without a client (words: `Scenario.act`); what was in flight and has ended is told by its own Response."""
        return self._perform(lambda: self.scenario.act(**words)).result()

    def _perform(self, add: Any) -> PendingStep:
        if self._result is not None:
            raise RunError("the stage has been judged: what happens now cannot be part of its evidence")
        before = len(self.scenario._steps)
        add()
        try:
            self._start()
            assert self._session
            script = self.scenario._script_so_far(real_time=self._real_time, seed=self._settings["seed"])
        except BaseException:
            del self.scenario._steps[before:]
            raise
        new: list[Response] = []
        for step, name, method, repeat, _wait in script.clients:
            if step >= self._performed:
                new += [Response(f"{name}#{turn}" if repeat > 1 and turn > 1 else name, method) for turn in range(1, repeat + 1)]
        self._performed = len(self.scenario._steps)
        self._responses.update((one.name, one) for one in new)
        return PendingStep(self, self._session.perform(script), new)

    def _start(self) -> None:
        if self._session is not None:
            return
        if self._closed:
            raise RunError("the stage is closed; what it shows is asked for before the end of its `with` block")
        if self._out is None:
            self._out = pathlib.Path(tempfile.mkdtemp(prefix="badorigin-"))
        self._settings["out"] = str(self._out)
        self._real_time = self.scenario._words.get("clock") == "real" or not _core.has_virtual_time(self._spec, str(PROGRAMS))
        script = self.scenario._script_so_far(real_time=self._real_time, seed=self._settings["seed"])
        session = _core.Session(self._spec, script, self._settings)
        if session.not_applicable:
            raise NotApplicable(session.not_applicable)
        for origin in self.scenario._origins.values():
            for route in origin._routes.values():
                if route._answerer:
                    method, _, target = route.pattern.partition(" ")
                    session.hand_over(origin.name, method, target, self._answerers.queue, self._answerers.add(route._answerer))
        self.scenario._freeze_origins()
        self._session = session

    def _before_start(self, what: str) -> None:
        if self._session is not None:
            raise ScenarioError(f"{what}: the stage has begun; origins, proxy and policy are named before the first step")

    def _resolve(self, answer: Reply) -> _core.Script:
        words = {"claim": "an answer", "promises": self.scenario._words.get("promises", {}), "origins": {"any": {"* *": [dict(answer)]}},
                 "steps": [{"settle": "0s"}]}
        return _core.read_scenario(_core.write_document(words), "answer", "answer", self._real_time, self._settings["seed"])

    def _interrupt(self) -> None:
        if self._session is not None:
            self._session.interrupt()

    # What comes of it

    @property
    def proxy_name(self) -> str:
        """Which proxy it is for: "bundled", "varnish", …"""
        return self._spec

    @property
    def begun(self) -> bool:
        """Something has happened on it."""
        return bool(self.scenario._steps)

    @property
    def judged(self) -> bool:
        """It is over, and has a verdict."""
        return self._result is not None

    def keep_evidence(self) -> None:
        """The bundle stays, whatever the verdict."""
        self._keep = "always"

    @property
    def evidence(self) -> pathlib.Path | None:
        """The folder of the bundle, once judged."""
        return pathlib.Path(self._result.evidence) if self._result and self._result.evidence else None

    def judge(self, *, check: bool = True) -> Result:
        """Ends the run and judges it from its stored evidence. check: raises Violation, Inconclusive or Failed (AssertionErrors whose
        message is the report) unless it is upheld; else the outcome is yours to look at. Judged once; later calls give the same."""
        __tracebackhide__ = True  # pytest: the report is the message
        if self._result is None:
            if not self.scenario._steps:
                raise ScenarioError("nothing has happened on the stage: there is nothing to judge")
            self._start()
            assert self._session
            script = self.scenario.script(real_time=self._real_time, seed=self._settings["seed"])
            self._result = Result(self._session.end(script).result())
            self._session = None
            self._answerers.close()
            if (error := self._answerers.take_error()) is not None:
                raise error
        return self._result.check() if check else self._result

    @property
    def capture(self) -> Capture:
        """What the packets show, once judged."""
        if self._result is None:
            raise BadoriginError("the capture is whole when the run has ended: call stage.judge() first")
        if self._capture is None:
            if not self._result.evidence:
                raise BadoriginError(f"there is no evidence: {self._result.reason}")
            self._capture = Capture.bundle(self._result.evidence)
        return self._capture

    def close(self) -> None:
        """Ends what still runs, and removes evidence that nobody needs. Called at the end of a `with` block."""
        self._closed = True
        self._session = None  # joins its thread: everything is taken down
        self._answerers.close()
        _open.discard(self)
        upheld = self._result is not None and self._result.outcome in ("upheld", "not_applicable")
        wanted = self._keep == "always" or (self._keep == "violated" and not upheld and self._result is not None)
        if self._result is not None and not wanted and self._result.evidence:
            shutil.rmtree(self._result.evidence, ignore_errors=True)
        if self._own_out and self._out is not None and not wanted:
            shutil.rmtree(self._out, ignore_errors=True)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self._result.outcome if self._result else "performing" if self._session else "not begun"
        return f"<Stage {self.scenario.id} on {self._spec}: {state}>"


