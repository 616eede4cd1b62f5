"""The stubs say what the module has, the package and its examples check strictly, and everything is documented."""
import ast
import inspect
import os
import pathlib
import re
import subprocess
import sys

import pytest

import badorigin as bo
from badorigin import _core, strategies

PACKAGE = pathlib.Path(bo.__file__).parent
STUB = ast.parse((PACKAGE / "_core.pyi").read_text())


def public(names):
    return {name for name in names if not name.startswith("_")}


def has_text(node):
    return ast.get_docstring(node) is not None


def signature(function):
    """The parameters that pybind11 writes into a function's docstring, `self` aside."""
    text = re.match(r"\w+\((.*)\) -> ", function.__doc__.splitlines()[0])[1]
    depth, words = 0, [""]
    for c in text:
        depth += (c in "[(") - (c in "])")
        if c == "," and depth == 0:
            words.append("")
        else:
            words[-1] += c
    return [word.split(":")[0].strip() for word in words if word.strip() and not word.strip().startswith("self")]


def parameters(node):
    names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args) if arg.arg != "self"]
    return names, bool(node.args.posonlyargs)


def compare(node, function):
    theirs = signature(function)
    ours, by_position = parameters(node)
    assert len(ours) == len(theirs), (node.name, ours, theirs)
    if not by_position:
        assert ours == theirs, node.name


def test_the_stub_has_what_the_module_has():
    functions = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
    values = {node.target.id for node in STUB.body if isinstance(node, ast.AnnAssign)}
    assert public(dir(_core)) == functions.keys() | classes.keys() | values
    for name, node in functions.items():
        compare(node, getattr(_core, name))


@pytest.mark.parametrize("node", [node for node in STUB.body if isinstance(node, ast.ClassDef)], ids=lambda node: node.name)
def test_each_class_of_the_stub_has_what_the_class_has(node):
    kind = getattr(_core, node.name)
    members = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
    assert has_text(node)
    assert public(members) == public(vars(kind))
    for name, one in members.items():
        if name == "__init__" or name.startswith("_"):
            assert hasattr(kind, name)
            continue
        is_property = any(isinstance(decorator, ast.Name) and decorator.id == "property" for decorator in one.decorator_list)
        assert is_property == isinstance(vars(kind)[name], property), name
        if not is_property:
            compare(one, vars(kind)[name])


def test_everything_public_is_documented():
    bare = []
    for module in (bo, bo.faults, strategies):
        for name in getattr(module, "__all__", public(vars(module))):
            value = getattr(module, name)
            if not (inspect.isclass(value) or inspect.isfunction(value)) or not getattr(value, "__module__", "").startswith("badorigin") or value.__module__ == "badorigin._core":
                continue
            if not inspect.getdoc(value):
                bare.append(name)
            if inspect.isclass(value):
                bare += [f"{name}.{member}" for member, what in vars(value).items()
                         if not member.startswith("_") and (inspect.isfunction(what) or isinstance(what, (property, classmethod))) and not inspect.getdoc(what)]
    assert bare == []


def mypy(*what):
    env = {**os.environ, "MYPYPATH": str(PACKAGE.parent)}
    return subprocess.run([sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--cache-dir", os.devnull, *map(str, what)], cwd=PACKAGE.parent,
                          env=env, capture_output=True, text=True, timeout=280)


def test_the_package_and_the_examples_check_strictly(root):
    done = mypy("-p", "badorigin")
    assert done.returncode == 0, done.stdout + done.stderr
    done = mypy(*sorted((root / "examples").glob("*.py")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_word_is_found_by_the_checker(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text("import badorigin as bo\nbo.expect(statsu=200)\nbo.reply(when='sometimes')\nbo.faults.close_in_body(after='2')\n")
    done = mypy(file)
    assert done.returncode == 1 and done.stdout.count("error:") == 3, done.stdout


def test_faults_are_those_of_the_catalogue(root):
    done = subprocess.run([sys.executable, root / "python/generate-faults"], env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)}, capture_output=True,
                          text=True, timeout=60, check=True)
    assert done.stdout == (PACKAGE / "faults.py").read_text(), "run python/generate-faults"


def test_every_fault_can_be_made_and_read():
    for row in bo.fault_catalogue():
        made = bo.Scenario("x", id="x")
        made.origin("app").on("GET /x").reply(fault=getattr(bo.faults, row.id.replace("-", "_"))())
        made.step("GET /x")
        assert row.id in made.script().yaml()
