"""Python and YAML are two spellings of one model: what either builds is equal, is written as the same, and is judged the same."""
import json

import in_python
import pytest

import badorigin as bo

FILES = sorted(file for suite in bo.SCENARIOS.resolve().iterdir() if suite.is_dir() and suite.name != "policies" for file in suite.glob("*.yaml"))
IDS = [f"{file.parent.name}/{file.stem}" for file in FILES]


def test_there_are_scenarios():
    assert len(FILES) >= 80


@pytest.mark.parametrize("file", FILES, ids=IDS)
def test_built_in_python_is_equal_to_the_file_in_both_kinds_of_time(file):
    name = f"{file.parent.name}/{file.stem}"
    built, loaded = in_python.built(file, name), bo.Scenario.load(file)
    assert built == loaded
    for real in (False, True):
        assert built.script(real_time=real).yaml() == loaded.script(real_time=real).yaml()
    assert bo.Scenario.parse(built.yaml(), id=name) == loaded


def test_built_run_as_files_and_performed_step_by_step_have_identical_verdicts(tmp_path, command):
    done = command("run", "scenarios", "--out", tmp_path / "cli", "--keep-evidence", "always", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    built = bo.run([in_python.built(file, name) for file, name in zip(FILES, IDS)], out=tmp_path / "built")
    assert [one.scenario for one in built] == IDS
    for file, name, one in zip(FILES, IDS, built):
        verdicts = (tmp_path / "cli/bundled" / name / "verdicts.json").read_text()
        assert one.verdicts() == verdicts, one.report()
        staged = in_python.staged(file, name, out=tmp_path / "staged")
        assert staged.verdicts() == verdicts, staged.report()
        assert json.loads(verdicts)["outcome"] == staged.outcome == "upheld"


def test_a_difference_is_a_difference():
    loaded = bo.Scenario.load(FILES[0])
    assert loaded != bo.Scenario.parse(loaded.yaml().replace("claim: ", "claim: Not that "), id=loaded.id)
    assert loaded != bo.Scenario.load(FILES[1])


def test_bytes_that_are_no_text_come_through_a_file(tmp_path):
    made = bo.Scenario("Bytes", id="bytes")
    made.origin("app").on("GET /x").reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\x00\xfe")
    made.step("GET /x", expect=bo.expect(status=200))
    made.save(tmp_path / "bytes.yaml")
    assert bo.Scenario.load(tmp_path / "bytes.yaml", root=tmp_path) == made
    assert bo.Scenario.parse(made.yaml(), id="bytes").script().yaml() == made.script().yaml()
