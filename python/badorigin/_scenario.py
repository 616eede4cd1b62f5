"""Scenarios: one claim, scripted origins, steps, expectations. The same model as a YAML file, written with Python's words."""
from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _core
from ._errors import ScenarioError
from ._places import root_of
from ._values import Body, Duration, Expect, Fields, Listening, OriginAct, Reply, Text, Words, given, plain, reply

if TYPE_CHECKING:
    from ._origins import Answerer

Path = Union[str, "os.PathLike[str]"]


class Request(Words):
    """What a client sends, and what is expected of the answer: the words of a step without its time."""


def request(
    client: str | None = None,
    *,
    ask: str | None = None,
    proxy_header: str | None = None,
    name: str | None = None,
    version: Literal["1.0", "1.1"] | None = None,
    host: str | None = None,
    fields: Fields | None = None,
    body: Text | Body | None = None,
    chunked: bool | None = None,
    raw: Text | None = None,
    connection: str | None = None,
    send: Mapping[str, Any] | None = None,
    deadline: Duration | None = None,
    wait: bool | None = None,
    repeat: int | None = None,
    expect: Expect | Mapping[str, Any] | None = None,
    premise: Expect | Mapping[str, Any] | None = None,
) -> Request:
    """A client's request: `request("GET /report", expect=expect(status=200))`. ask: which of several proxies.

    proxy_header: that a connection of its own begins with, "1 192.0.2.1 4321 198.51.100.1 80" (version, client, server) or "2 -".
    connection: name of a kept connection; without one it has its own, closed afterwards. raw: these bytes instead of a request.
    send: `{"stop_after": bytes, "then": "wait" | "close" | "reset" | "half-close", "piece": bytes, "every": duration, "header_takes": duration}`.
    wait: False lets the next step begin while this exchange is in flight. A premise that does not hold makes the run inconclusive.
    """
    return Request(given(**locals()))


class Route:
    """What an origin answers to requests of one method and target, in order."""

    def __init__(self, of: Scenario, origin: str, pattern: str) -> None:
        self._scenario = of
        self._origin = origin
        self.pattern = pattern
        self._replies: list[Reply] = []
        self._listed = False
        self._answerer: Answerer | None = None

    def _add(self, made: Reply, listed: bool) -> Route:
        self._scenario._changes_origin(self._origin, self.pattern)
        if self._answerer:
            raise ScenarioError(f"{self.pattern} is answered by a function already")
        self._replies.append(made)
        self._listed = self._listed or listed
        return self

    def reply(self, status: int | None = None, body: Text | Body | None = None, **words: Any) -> Route:
        """The first reply (words: `badorigin.reply`). Where no other follows, it is given for ever."""
        if self._replies:
            raise ScenarioError(f"{self.pattern} has a reply already; what follows it is given with then()")
        return self._add(reply(status, body, **words), False)

    def then(self, status: int | None = None, body: Text | Body | None = None, **words: Any) -> Route:
        """The next reply; each of several is used once unless it says `repeat`."""
        if not self._replies:
            raise ScenarioError(f"{self.pattern} has no reply yet; the first is given with reply()")
        return self._add(reply(status, body, **words), True)

    def call(self, function: Answerer) -> Answerer:
        """Each request goes to `function` (a decorator, too): it gets an `Exchange` (an async function an `AsyncExchange`), and writes raw
        bytes, closes or resets when it likes; what it returns, bytes or a `Reply`, is sent. A scenario with functions cannot be written."""
        if self._replies:
            raise ScenarioError(f"{self.pattern} has scripted replies already")
        self._scenario._changes_origin(self._origin, self.pattern)
        self._answerer = function
        return function

    def _document(self) -> Any:
        replies = [dict(one) for one in self._replies]
        return replies if self._listed or not replies else replies[0]


class Origin:
    """A scripted origin server."""

    def __init__(self, of: Scenario, name: str) -> None:
        self._scenario = of
        self.name = name
        self._listen: Listening | None = None
        self._routes: dict[str, Route] = {}

    def on(self, pattern: str) -> Route:
        """The route of "METHOD TARGET": `*` stands for any method, a trailing `*` of the target for any rest. The first that matches."""
        if " " not in pattern:
            raise ScenarioError(f"on({pattern!r}): expected a method and a target such as 'GET /report'")
        return self._routes.setdefault(pattern, Route(self._scenario, self.name, pattern))

    def listen(self, how: Listening) -> Origin:
        """How it treats connections from the start (default: "accept")."""
        self._scenario._changes_origin(self.name, "listen")
        self._listen = how
        return self

    def _document(self) -> dict[str, Any]:
        out: dict[str, Any] = {"listen": self._listen} if self._listen else {}
        out.update((pattern, route._document()) for pattern, route in self._routes.items() if not route._answerer)
        return out


class Rules:
    """Which rules are judged: all but those switched off here."""

    def __init__(self, of: Scenario) -> None:
        self._scenario = of

    def off(self, rule: str, *, reason: str) -> None:
        """Switches a rule off (`badorigin.rules()` lists them); the reason goes into the evidence."""
        known = [row.id for row in rules()]
        if rule not in known:
            near = _core.near_miss(rule, known)
            raise ScenarioError(f"there is no rule {rule}" + (f"; did you mean {near}?" if near else ""))
        self._scenario._words.setdefault("rules_off", {})[rule] = reason


class Scenario:
    """One claim. Build it with Python's words, or read a file with `Scenario.load`; equal where it means the same in both kinds of time.

    proxies: several by name, who asks before who is asked, each with its policy, in the place of `policy`. proxy_protocol: clients begin
    their connections with a PROXY header (`request`'s proxy_header). promises: durations by name, as the policy is filled with them and the
    rules hold the proxy to them. real: those of them that are different in real time. values: other placeholders of the policy. covers:
    field-report items ("R1.6"). clock: "real" where virtual time will not do. kind: what it means when an expectation is not met; only what
    is required decides exit codes. needs: what a proxy must be able to do ("ban", "reload", "vitals", …). not_for: proxy → reason.
    """

    def __init__(
        self,
        claim: str,
        *,
        id: str = "python/scenario",
        policy: str | None = None,
        proxies: Mapping[str, str] | None = None,
        promises: Mapping[str, Duration] | None = None,
        real: Mapping[str, Duration] | bool | None = None,
        values: Mapping[str, str] | None = None,
        covers: Sequence[str] | None = None,
        sections: Sequence[str] | None = None,
        kind: Literal["required", "advice", "optional"] | None = None,
        clock: Literal["real", "virtual"] | None = None,
        proxy_protocol: bool | None = None,
        not_for: Mapping[str, str] | None = None,
        needs: Sequence[str] | None = None,
    ) -> None:
        self.id = id
        self.file = ""
        self._text: str | None = None
        self._words = given(claim=claim, covers=covers, sections=sections, policy=policy, proxies=proxies, promises=promises, real=real, values=values,
                            kind=kind, clock=clock, proxy_protocol=proxy_protocol, not_for=not_for, needs=needs)
        self._origins: dict[str, Origin] = {}
        self._steps: list[dict[str, Any]] = []
        self._expect: dict[str, Any] = {}
        self._scripted: set[str] = set()
        self.rules = Rules(self)

    @classmethod
    def load(cls, path: Path, root: Path | None = None) -> Scenario:
        """Reads a file. Its id is its path below `root` (default: the nearest folder above with policies/)."""
        file = pathlib.Path(path).absolute()
        if not file.is_file():
            raise ScenarioError(f"{file}: no such file")
        base = pathlib.Path(root).absolute() if root else root_of(file)
        name = file.relative_to(base) if file.is_relative_to(base) else pathlib.Path(file.name)
        return cls.parse(file.read_text("utf-8", "surrogateescape"), id=name.with_suffix("").as_posix(), file=str(file))

    @classmethod
    def parse(cls, text: str, *, id: str = "python/scenario", file: str = "scenario") -> Scenario:
        """Reads YAML. Raises ScenarioError with every problem in it."""
        out = cls(claim="", id=id)
        out._text, out.file = text, file
        out._words["claim"] = out.script().claim
        return out

    @property
    def claim(self) -> str:
        """One sentence: what is right."""
        return str(self._words["claim"])

    def origin(self, name: str, listen: Listening | None = None) -> Origin:
        """The origin of that name, made when it is new; the policy tells what the proxy asks it for."""
        self._writable()
        made = self._origins.setdefault(name, Origin(self, name))
        return made.listen(listen) if listen else made

    def step(self, client: str | None = None, *, at: Duration | None = None, name: str | None = None,
             origin: Mapping[str, OriginAct] | None = None, **words: Any) -> None:
        """One request (words: `badorigin.request`). at: an instant such as "ttl + 4s" or "struck + grace", where `struck` is an earlier
        step's name; without it the step begins when the one before is over. origin: acts of origins in the same turn."""
        self._add({**given(at=at, origin=origin), **request(client, name=name, **words)})

    def together(self, *clients: Request, at: Duration | None = None, name: str | None = None, origin: Mapping[str, OriginAct] | None = None) -> None:
        """Several requests at once: all are connected before the first byte is sent."""
        self._add({**given(at=at, name=name, origin=origin), "together": [dict(one) for one in clients]})

    def act(self, *, at: Duration | None = None, name: str | None = None, ban: str | None = None, reload: str | None = None, stop: str | None = None,
            settle: Duration | None = None, await_: str | None = None, **origins: OriginAct) -> None:
        """A step without a client: `act(app="refuse")`, `act(ban="…")`, `act(reload="policy")`, `act(stop="front")` (one of several
        proxies, for good), `act(settle="5s")` (time passes), `act(await_="all")` (requests with wait=False end)."""
        words = given(at=at, name=name, settle=settle)
        if await_ is not None:
            words["await"] = await_
        if origins:
            words["origin"] = dict(origins)
        if ban is not None or reload is not None or stop is not None:
            words["proxy"] = given(ban=ban, reload=reload, stop=stop)
        self._add(words)

    def where(self, query: str, *, group: Literal["raw", "vxid", "request", "session"] | None = None, count: int | None = None,
              at_least: int | None = None, at_most: int | None = None, premise: bool | None = None) -> None:
        """So many groups of records are selected by the query (docs/log.md) in the end; no number: at least one."""
        self._expect.setdefault("where", []).append(given(query=query, group=group, count=count, at_least=at_least, at_most=at_most, premise=premise))

    def expect_origin(self, origin: str, *, target: str | None = None, requests: int | None = None, statuses: Sequence[int] | None = None) -> None:
        """What an origin was asked in all (probes aside), and the statuses it answered, 0 for none."""
        self._expect.setdefault("origins", {})[f"{origin} {target}" if target else origin] = given(requests=requests, statuses=statuses)

    def expect_probes(self, origin: str, target: str, *, at_least: int | None = None, at_most: int | None = None) -> None:
        """Health checks that an origin is asked."""
        self._expect.setdefault("probes", {})[f"{origin} {target}"] = given(at_least=at_least, at_most=at_most)

    def expect_vitals(self, *, cpu_share: float | None = None, descriptors_grow: int | None = None, resident_grow: int | None = None,
                      from_: str | None = None, to: str | None = None) -> None:
        """What the proxy may use between two steps: CPU time over real time, descriptors, bytes."""
        words = given(cpu_share=cpu_share, descriptors_grow=descriptors_grow, resident_grow=resident_grow, to=to)
        if from_ is not None:
            words["from"] = from_
        self._expect.setdefault("vitals", []).append(words)

    def document(self) -> dict[str, Any]:
        """As nested dict and list with the keys of YAML."""
        return self._document(whole=True)

    def _document(self, *, whole: bool) -> dict[str, Any]:
        if self._text is not None:
            raise ScenarioError(f"{self.file} was read, not built: it has its text only (yaml())")
        out = plain(self._words)
        out["origins"] = {name: one._document() for name, one in self._origins.items()}
        out["steps"] = [dict(step) for step in self._steps] or [{"settle": "0s"}]
        if whole and self._expect:
            out["expect"] = self._expect
        return dict(out)

    def yaml(self) -> str:
        """As a file that runs. Raises ScenarioError where a function answers requests, which no file can hold."""
        for origin in self._origins.values():
            for route in origin._routes.values():
                if route._answerer:
                    raise ScenarioError(f"origin {origin.name}: {route.pattern} is answered by a Python function, which a scenario file cannot hold")
        return self._yaml()

    def save(self, path: Path) -> None:
        """Writes the file; `badorigin run PATH` runs it."""
        pathlib.Path(path).write_text(self.yaml(), "utf-8", "surrogateescape")

    def script(self, *, real_time: bool = False, seed: int = 1) -> _core.Script:
        """The resolved model, as the runner gets it. Raises ScenarioError with every problem."""
        return _core.read_scenario(self._yaml(), self.file or self.id, self.id, real_time, seed)

    def _script_so_far(self, *, real_time: bool, seed: int) -> _core.Script:
        """Without what is expected of the whole run, which may speak of steps to come."""
        return _core.read_scenario(_core.write_document(self._document(whole=False)), self.id, self.id, real_time, seed)

    def _yaml(self) -> str:
        return self._text if self._text is not None else _core.write_document(self.document())

    def _writable(self) -> None:
        if self._text is not None:
            raise ScenarioError(f"{self.file} was read and cannot be changed; build a scenario with Python's words instead")

    def _add(self, words: dict[str, Any]) -> None:
        self._writable()
        self._steps.append(words)

    def _changes_origin(self, origin: str, pattern: str) -> None:
        self._writable()
        if f"{origin} {pattern}" in self._scripted:
            raise ScenarioError(f"origin {origin}: {pattern} was scripted before the first step and stays so; other routes can be added")

    def _freeze_origins(self) -> None:
        self._scripted = {f"{name} {pattern}" for name, one in self._origins.items() for pattern in (*one._routes, "listen")}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenario):
            return NotImplemented
        return all(self.script(real_time=real) == other.script(real_time=real) for real in (False, True))

    __hash__ = None  # type: ignore[assignment]  # it can still be changed

    def __repr__(self) -> str:
        return f"<Scenario {self.id}: {self.claim}>"

    def _repr_html_(self) -> str:
        from ._html import scenario
        return scenario(self)


class Row:
    """A row of a catalogue."""

    id: str

    def __init__(self, **columns: str) -> None:
        self.__dict__.update(columns)

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"{self!r} has no {name}, only {', '.join(vars(self))}")

    def __repr__(self) -> str:
        return f"<{self.id}>"


def _rows(catalogue: Sequence[tuple[str, ...]], *names: str) -> list[Row]:
    return [Row(**dict(zip(names, row, strict=True))) for row in catalogue]


def rules() -> list[Row]:
    """The rules: id, kind, demands, source, bugs (planted bugs that violate it), needs."""
    return _rows(_core.rule_catalogue(), "id", "kind", "demands", "source", "bugs", "needs")


def fault_catalogue() -> list[Row]:
    """The faults: id, place, on_the_wire, breaks (RFC section), who (was hurt), arguments."""
    return _rows(_core.fault_catalogue(), "id", "place", "on_the_wire", "breaks", "who", "arguments")


def find_scenarios(*paths: Path) -> list[Scenario]:
    """The scenarios of files and folders, sorted by file."""
    return [Scenario.load(file) for file in sorted({file for path in paths for file in scenario_files(path)})]


def scenario_files(path: Path) -> list[str]:
    """Their absolute paths, sorted. Raises ScenarioError where there are none."""
    at = pathlib.Path(path).absolute()
    if not at.exists():
        raise ScenarioError(f"{at}: no such file or folder")
    files = _core.find_scenarios(str(at))
    if not files:
        raise ScenarioError(f"{at}: there is no scenario in it")
    return files


