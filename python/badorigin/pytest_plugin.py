"""pytest: the fixture `stage`, scenarios (*.yaml) as tests, `--badorigin-proxy`, markers by suite and field-report item.

A test that uses `stage` is judged in the end even where it does not say so: rules hold in every test.
"""
from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import pathlib
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from ._core import ids_in, why_not_startable
from ._errors import Judged, NotApplicable, ScenarioError, SetUpError
from ._places import PROGRAMS, root_of
from ._results import Result, run
from ._scenario import Scenario
from ._stage import Stage


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("badorigin")
    group.addoption("--badorigin-proxy", action="append", default=[], metavar="PROXY",
                    help="run against this proxy: bundled, varnish, varnish:PATH, cmd:COMMAND, at:HOST:PORT (repeatable; default: bundled, or what a test names)")
    group.addoption("--badorigin-out", default="out/pytest", metavar="DIR", help="evidence of what is not upheld goes here (default: out/pytest)")
    group.addoption("--badorigin-evidence", default="libpcap", choices=["libpcap", "tap"], help="tap: without the right to capture")
    group.addoption("--badorigin-plant", action="append", default=[], metavar="BUG", help="a bug that the bundled cache commits on purpose (repeatable)")
    parser.addini("badorigin_policies", "folder of policies for the fixture stage (default: the bundled ones)", type="paths")


def _proxies(config: pytest.Config) -> list[str]:
    return list(config.getoption("badorigin_proxy"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test runs once a proxy that was asked for."""
    if "badorigin_proxy" in metafunc.fixturenames and _proxies(metafunc.config):
        metafunc.parametrize("badorigin_proxy", _proxies(metafunc.config), scope="session")


@pytest.fixture(scope="session")
def badorigin_proxy() -> str | None:
    """The proxy that --badorigin-proxy asks for; None: nobody asked."""
    return None


def _id_of(item: pytest.Item) -> str:
    return "python/" + re.sub(r"[^A-Za-z0-9._/-]+", "-", item.nodeid.replace("::", "/").replace(".py", "")).strip("-")


@pytest.fixture
def stage(request: pytest.FixtureRequest, badorigin_proxy: str | None) -> Iterator[Stage]:
    """A stage (`badorigin.Stage`) for this test; its claim is the first line of the test's docstring, or the test's name."""
    doc = getattr(getattr(request.node, "obj", None), "__doc__", None) or request.node.name.replace("_", " ")
    policies = request.config.getini("badorigin_policies")
    made = Stage(badorigin_proxy or "bundled", claim=doc.strip().splitlines()[0], id=_id_of(request.node), policies=policies[0] if policies else None,
                 out=request.config.getoption("badorigin_out"), plant=request.config.getoption("badorigin_plant"),
                 evidence=request.config.getoption("badorigin_evidence"))
    made._only = badorigin_proxy
    try:
        yield made
    finally:
        made.close()


def _stage_of(item: pytest.Item) -> Stage | None:
    found = getattr(item, "funcargs", {}).get("stage")
    return found if isinstance(found, Stage) else None


@pytest.hookimpl(tryfirst=True)  # type: ignore[misc]
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Calls a test that uses `stage` (an async one in an asyncio loop of its own), then judges a stage that it has not judged itself. What
    is not applicable becomes a skip."""
    on = _stage_of(pyfuncitem)
    if on is None:
        return None
    words = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    try:
        if inspect.iscoroutinefunction(pyfuncitem.obj):
            asyncio.run(pyfuncitem.obj(**words))
        else:
            pyfuncitem.obj(**words)
        if on.begun and not on.judged:
            on.judge()
    except NotApplicable as why:
        pytest.skip(str(why))
    except SetUpError:
        missing = why_not_startable(on.proxy_name, str(PROGRAMS))
        if missing and not _proxies(pyfuncitem.config):
            pytest.skip(missing)
        raise
    return True


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """A failed test shows what the judge says of its run, and where the evidence is."""
    outcome = yield
    report = outcome.get_result()
    on = _stage_of(item)
    if on is None or report.when != "call" or not report.failed:
        return
    on.keep_evidence()
    if on.begun and call.excinfo is not None and not isinstance(call.excinfo.value, Judged):
        try:
            report.sections.append(("badorigin", on.judge(check=False).report()))
        except Exception as error:  # noqa: BLE001: the test's own failure is what is reported
            report.sections.append(("badorigin", f"the run could not be judged: {error}"))


class ScenarioItem(pytest.Item):
    """One scenario, or one case of a table, on one proxy."""

    def __init__(self, *, proxy: str, id: str, claim: str, **how: Any) -> None:
        super().__init__(**how)
        self.proxy = proxy
        self.id = id
        self.claim = claim

    def runtest(self) -> None:
        """Runs it as `badorigin run` does."""
        config = self.config
        if missing := why_not_startable(self.proxy, str(PROGRAMS)):
            raise SetUpError(missing)
        result = run(self.path, self.proxy, only=[self.id], out=config.getoption("badorigin_out"), jobs=1, evidence=config.getoption("badorigin_evidence"),
                     plant=config.getoption("badorigin_plant"))[0]
        if result.outcome == "not_applicable":
            pytest.skip(result.reason)
        if known := _known_deviation(self.path, result):
            pytest.xfail(f"known deviation: {known}")
        result.check()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report, without a traceback through our own code."""
        if isinstance(excinfo.value, (Judged, SetUpError, ScenarioError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[pathlib.Path, int, str]:
        """The claim is the name."""
        return self.path, 0, f"{self.claim} [{self.proxy}]"


class ScenarioFile(pytest.File):
    """A scenario file: a test a proxy. A table of cases: a test a case and proxy."""

    def collect(self) -> Iterator[ScenarioItem]:
        """Marked by its suite (`suite_saint`) and by the field reports that it covers (`R1_6`)."""
        marks = [f"suite_{self.path.parent.name}"]
        own = self.path.relative_to(root_of(self.path)).with_suffix("").as_posix()
        ids = ids_in(str(self.path), str(root_of(self.path)))
        claims = {id: id for id in ids}
        if ids == [own]:
            scenario = Scenario.load(self.path)
            claims[own] = scenario.claim
            marks += [item.replace(".", "_") for item in scenario.script().covers]
        names = {id: self.path.stem + id.removeprefix(own) for id in ids}
        for id, proxy in itertools.product(ids, _proxies(self.config) or ["bundled"]):
            yield self._marked(ScenarioItem.from_parent(self, name=f"{names[id]}[{proxy}]", proxy=proxy, id=id, claim=claims[id]), marks)

    def _marked(self, item: ScenarioItem, marks: list[str]) -> ScenarioItem:
        for mark in marks:
            name = re.sub(r"\W", "_", mark)
            line = f"{name}: scenarios of a suite, or of an item of the field reports"
            if line not in self.config.getini("markers"):
                self.config.addinivalue_line("markers", line)
            item.add_marker(name)
        return item


def pytest_collect_file(file_path: pathlib.Path, parent: pytest.Collector) -> ScenarioFile | None:
    """*.yaml that states a claim or holds cases, below a folder with policies/ (or given by name)."""
    if file_path.suffix != ".yaml" or "policies" in file_path.parts:
        return None
    by_name = any(pathlib.Path(str(one)).absolute() == file_path for one in parent.config.args)
    if not by_name and not (root_of(file_path) / "policies").is_dir():
        return None
    if not re.search(r"^(claim|cases)\s*:", file_path.read_text("utf-8", "replace"), re.MULTILINE):
        return None
    made: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return made


def _known_deviation(file: pathlib.Path, result: Result) -> str:
    """Why this version of this proxy is known to do all that is violated, of the ledger beside the scenarios (deviations.json); else empty."""
    ledger = root_of(file) / "deviations.json"
    manifest = pathlib.Path(result.evidence) / "manifest.json"
    if result.outcome != "violated" or not result.evidence or not ledger.is_file():
        return ""
    version = json.loads(manifest.read_text())["proxy_version"].split()[:1]
    known = {claim: str(row["why"]) for row in json.loads(ledger.read_text())["deviations"] for claim in row["claims"]
             if row["scenario"] == result.scenario and row["proxy"] == result.proxy.partition(":")[0] and [row["version"]] == version}
    violated = [f.claim for f in result.findings if f.outcome == "violated" and f.kind != "advice"]
    return known[violated[0]] if violated and all(claim in known for claim in violated) else ""
