"""Captures, verdicts and reports are those of the command line."""
import json
import pathlib
import re
import xml.etree.ElementTree

import numpy
import pytest

import badorigin as bo


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A suite and a stage that is violated, with their evidence."""
    out = tmp_path_factory.mktemp("out")
    return bo.run(bo.SCENARIOS / "bodies", out=out, keep="always")


@pytest.fixture(scope="module")
def violated(tmp_path_factory):
    return bo.run(bo.SCENARIOS / "bodies", out=tmp_path_factory.mktemp("violated"), plant=["body-lost-on-retry"])


def test_a_suite_is_upheld_and_judged_again_the_same(runs):
    assert len(runs) >= 15 and {one.outcome for one in runs} == {"upheld"} and bo.exit_code(runs) == 0
    for one in runs:
        assert bo.judge(one.evidence).verdicts() == one.verdicts() == (pathlib.Path(one.evidence) / "verdicts.json").read_text()


def test_several_proxies_and_planted_bugs(violated, tmp_path):
    assert bo.exit_code(violated) == 1
    bad = [one for one in violated if one.outcome == "violated"]
    assert bad and all(one.not_upheld() and one.wire for one in bad)
    with pytest.raises(bo.Violation, match="body-forwarded-whole"):
        next(one for one in bad if "retry-carries" in one.scenario).check()
    with pytest.raises(bo.SetUpError, match="frobnicate"):
        bo.run(bo.SCENARIOS / "saint", "frobnicate", out=tmp_path)


@pytest.mark.parametrize(("query", "group"), [("BereqMethod eq PUT", "vxid"), ("RespStatus >= 500", "request"), ("ReqURL", "session"), ("Begin", "raw")])
def test_a_query_selects_what_the_command_line_selects(runs, command, query, group):
    for one in runs[:4]:
        done = command("log", one.evidence, "-g", group, "-q", query)
        assert done.returncode == 0, done.stderr
        matches = bo.read(one.evidence).query(query, group)
        assert "".join(str(match) for match in matches).split() == done.stdout.split()
        assert matches.count() == len(list(matches)) and bool(matches) == (matches.first() is not None)


def test_a_wrong_query_shows_where(runs):
    with pytest.raises(ValueError, match=r'there is no tag "Foo"(.|\n)*\^'):
        bo.read(runs[0].evidence).query("Foo eq 1")
    with pytest.raises(ValueError, match="raw, vxid, request or session"):
        bo.read(runs[0].evidence).query("Begin", group="thread")


def test_transactions_outlive_what_they_came_from(runs):
    first = bo.read(runs[0].evidence)[0]
    exchange = first.client
    assert exchange.wire.startswith("  exchange") and exchange.request.method in exchange.wire
    assert exchange == bo.read(runs[0].evidence)[0].client or exchange.id == 1
    assert first.fetches[0].attempts[0].server_name == "origin:app"


def test_indices_are_those_of_a_sequence(runs):
    capture = bo.read(runs[-1].evidence)
    assert capture[-1].client == capture[len(capture) - 1].client and len(capture[:]) == len(capture)
    for at in (len(capture), -len(capture) - 1):
        with pytest.raises(IndexError, match="there is no transaction"):
            capture[at]


def test_columns_are_buffers_that_nobody_copies(runs):
    capture = bo.read(runs[-1].evidence)
    columns = capture.columns()
    for name, column in columns.items():
        view, array = memoryview(column), numpy.asarray(column)
        assert len(column) == len(array) == len(capture) and view.readonly
        assert array.__array_interface__["data"][0] == numpy.asarray(view).__array_interface__["data"][0], name
        assert array.dtype == ("float64" if name in ("time", "first_byte", "seconds") else "int64")
    assert columns["status"][0] == capture[0].client.response.status
    assert columns["attempts"][0] == sum(len(fetch.attempts) for fetch in capture[0].fetches)


def test_rows_are_those_of_the_log(runs, command):
    for one in runs[:4]:
        done = command("log", one.evidence, "--format", "ndjson")
        assert list(bo.read(one.evidence).rows()) == [json.loads(line) for line in done.stdout.splitlines()]


def packets(result):
    return pathlib.Path(result.evidence) / "packets.pcapng"


def test_verify_says_what_the_command_line_says(runs, violated, command, tmp_path):
    for one in [*runs[:6], *(bad for bad in violated if bad.outcome == "violated")]:
        done = command("verify", packets(one), "--json", tmp_path / "verify.json")
        (told,) = json.loads((tmp_path / "verify.json").read_text())["results"]
        result = bo.verify(packets(one))
        assert bo.exit_code([result]) == done.returncode, done.stderr
        assert json.loads(result.verdicts())["findings"] == told["verdicts"]["findings"]
    with pytest.raises(bo.RunError, match="a bundle is judged by judge"):
        bo.read(runs[0].evidence).verify()
    with pytest.raises(bo.RunError, match="nothing.pcap"):
        bo.read("nothing.pcap")


def test_import_makes_the_scenarios_of_the_command_line(runs, command, tmp_path):
    for one in runs[:4]:
        done = command("import", one.evidence, "-o", tmp_path / "made" / pathlib.Path(one.evidence).name, "--policy", "pass-gets")
        assert done.returncode == 0, done.stderr
        written = sorted((tmp_path / "made" / pathlib.Path(one.evidence).name).glob("*.yaml"))
        scenarios, left_out = bo.read(one.evidence).import_scenarios(policy="pass-gets")
        assert left_out == [] and len(scenarios) == len(written)
        for made, file in zip(sorted(scenarios, key=lambda s: s.id), written):
            assert made == bo.Scenario.load(file)


def test_reports_are_written(violated, tmp_path, root):
    bo.write_junit(tmp_path / "report.xml", violated)
    bo.write_json(tmp_path / "report.json", violated)
    results = json.loads((tmp_path / "report.json").read_text())["results"]
    assert [one["outcome"] for one in results] == [one.outcome for one in violated]
    assert "<testsuite" in (tmp_path / "report.xml").read_text()
    with pytest.raises(bo.RunError, match="nowhere"):
        bo.write_json(tmp_path / "nowhere/report.json", violated)


def test_a_page_shows_what_the_results_say(runs, violated, command, tmp_path):
    """Every finding that is not upheld, and each exchange as on the wire, frames and all; the same from the command line."""
    page = bo.html([*violated, *runs])
    tree = xml.etree.ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))
    sections = tree.findall("./body/main/section")
    assert len(sections) == len(tree.findall("./body/main/table/tbody/tr")) == len(violated) + len(runs)
    for one, section in zip(violated, sections):
        told = "".join(section.itertext())
        for finding in one.not_upheld() if one.outcome != "error" else []:
            assert finding.kind == "advice" or (f"{finding.claim}" in told and finding.message in told)
            assert all(cited in told for cited in finding.citations)
        assert all(wire.strip() in told for wire in one.wire) and one.evidence in told
    assert "<script" not in page and "src=" not in page
    bo.write_html(tmp_path / "here.html", violated)
    assert (tmp_path / "here.html").read_text() == bo.html(violated) == bo.html(violated)
    bundles = [one.evidence for one in violated if one.evidence]
    done = command("judge", *bundles, "--html", tmp_path / "there.html")
    assert done.returncode == 1, done.stderr
    without_times = [re.sub(r"<td>[0-9.]+</td>", "", text) for text in ((tmp_path / "there.html").read_text(), bo.html([bo.judge(one) for one in bundles]))]
    assert without_times[0] == without_times[1]
    with pytest.raises(bo.RunError, match="nowhere"):
        bo.write_html(tmp_path / "nowhere/report.html", violated)


def test_the_page_of_a_run_is_that_of_its_results(command, tmp_path):
    done = command("run", bo.SCENARIOS.resolve() / "saint", "--html", tmp_path / "page.html", "--out", tmp_path / "out")
    results = bo.run(bo.SCENARIOS / "saint", out=tmp_path / "out")
    assert done.returncode == bo.exit_code(results) == 0, done.stderr
    timeless = [re.sub(r"<td>[0-9.]+</td>", "", page) for page in ((tmp_path / "page.html").read_text(), bo.html(results))]
    assert timeless[0] == timeless[1] and timeless[0].count('class="entry upheld"') == 2 * len(results)


def test_a_page_of_a_capture_made_elsewhere(runs, command, tmp_path):
    done = command("verify", packets(runs[0]), "--html", tmp_path / "verify.html")
    assert done.returncode in (0, 1, 3), done.stderr
    assert "file: packets.pcapng, " in "".join(xml.etree.ElementTree.fromstring((tmp_path / "verify.html").read_text()).itertext())
    done = command("verify", packets(runs[0]), "--html", tmp_path / "nowhere/verify.html")
    assert done.returncode == 2 and "--html" in done.stderr and done.stdout == ""


def test_notebooks_show_scenarios_transactions_findings_and_results(violated):
    bad = next(one for one in violated if one.outcome == "violated")
    capture = bo.read(bad.evidence)
    scenario = bo.Scenario("Less < more")
    for shown, expected in ((scenario, "Less &lt; more"), (capture, "<table>"), (capture[0], "attempt 1"), (capture[0].client, "<pre"),
                            (bad, "violated"), (bad.not_upheld()[0], "<li>")):
        assert expected in shown._repr_html_()
        xml.etree.ElementTree.fromstring(f"<div>{shown._repr_html_()}</div>")


def test_catalogues(command):
    assert [row.id for row in bo.rules()] == [line.split("\t")[0] for line in command("list", "rules").stdout.splitlines()]
    assert [row.id for row in bo.fault_catalogue()] == [line.split("\t")[0] for line in command("list", "faults").stdout.splitlines()]
    with pytest.raises(bo.ScenarioError, match="did you mean age-honest"):
        bo.Scenario("x").rules.off("age-onest", reason="y")
