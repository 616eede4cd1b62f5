"""Holds the schemas to the reader: every scenario and table of the repository and every good file of the tests is valid, and each mistake below is not."""

import copy
import json
import pathlib
import re
import sys
import unittest

import jsonschema
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCHEMA = json.loads((ROOT / "scenarios" / "scenario.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TABLE = json.loads((ROOT / "scenarios" / "table.schema.json").read_text(encoding="utf-8"))
BESIDE = TABLE["$id"].replace("table.schema", "scenario.schema")
TABLES = jsonschema.Draft202012Validator(TABLE, resolver=jsonschema.RefResolver(TABLE["$id"], TABLE, store={BESIDE: SCHEMA}))


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 core schema, as editors read it: yes and no are text, and so are dates."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+0123456789."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
]:
    CoreLoader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), list(first))
CoreLoader.add_constructor("tag:yaml.org,2002:binary", lambda loader, node: loader.construct_scalar(node))


def load(text):
    return yaml.load(text, Loader=CoreLoader)


def problems(document, validator=VALIDATOR):
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:200] for e in validator.iter_errors(document)]


def scenario_files():
    for path in sorted((ROOT / "scenarios").rglob("*.y*ml")):
        if "policies" not in path.relative_to(ROOT / "scenarios").parts:
            yield path
    yield from sorted((HERE / "good").glob("*.yaml"))


BASE = """
claim: c
promises: {ttl: 30s}
origins: {app: {GET /r: {status: 200}}}
steps: [{client: GET /r, expect: {status: 200}}]
expect: {origins: {app: {requests: 1}}}
"""

# Path into BASE, and what is wrong when it stands there.
WRONG = [
    ((), "clam", "c"),
    ((), "claim", " "),
    ((), "claim", ["c"]),
    ((), "covers", ["1.6"]),
    ((), "policy", "../x"),
    ((), "clock", "sundial"),
    ((), "real", "maybe"),
    ((), "real", {"ttl": "1.5s"}),
    ((), "real", {"ttl": "1500ms"}),
    ((), "needs", ["bam"]),
    ((), "rules_off", {"a": ""}),
    ((), "origins", ["app"]),
    ((), "steps", []),
    ((), "steps", {"client": "GET /"}),
    (("promises",), "ttl", 30),
    (("promises",), "ttl", "30"),
    (("promises",), "2x", "30s"),
    (("origins",), "a b", {}),
    (("origins", "app"), "listen", "refused"),
    (("origins", "app"), "/r", {}),
    (("origins", "app"), "GET /x", 200),
    (("origins", "app"), "GET /x", []),
    (("origins", "app", "GET /r"), "stats", 200),
    (("origins", "app", "GET /r"), "status", "200"),
    (("origins", "app", "GET /r"), "status", 99),
    (("origins", "app", "GET /r"), "version", 2.0),
    (("origins", "app", "GET /r"), "body", {"seed": 1}),
    (("origins", "app", "GET /r"), "body", {"size": "4 kB"}),
    (("origins", "app", "GET /r"), "etag", "a"),
    (("origins", "app", "GET /r"), "interim", 200),
    (("origins", "app", "GET /r"), "fields", [["a", "b", "c"]]),
    (("origins", "app", "GET /r"), "fault", {"a": {"afetr": 1}}),
    (("origins", "app", "GET /r"), "fault", {"a": {}, "b": {}}),
    (("origins", "app", "GET /r"), "repeat", 0),
    (("origins", "app", "GET /r"), "when", "fress"),
    (("origins", "app", "GET /r"), "delay", "(1s)"),
    (("steps", 0), "expct", {}),
    (("steps", 0), "client", "GET"),
    (("steps", 0), "wait", "later"),
    (("steps", 0), "repeat", 0),
    (("steps", 0), "name", "a b"),
    (("steps", 0), "send", {"then": "close"}),
    (("steps", 0), "send", {"every": "1s"}),
    (("steps", 0), "together", [{"client": "GET /"}]),
    (("steps", 0), "together", [{"client": "GET /"}, {"name": "x"}]),
    (("steps", 0), "origin", {"app": "closed"}),
    (("steps", 0), "proxy", {"ban": "x", "reload": "y"}),
    (("steps", 0, "expect"), "fetchs", 1),
    (("steps", 0, "expect"), "fetches", -1),
    (("steps", 0, "expect"), "status", []),
    (("steps", 0, "expect"), "body_at_origin", "hole"),
    (("steps", 0, "expect"), "complete", "perhaps"),
    (("expect",), "origin", {}),
    (("expect", "origins"), "app", {}),
    (("expect",), "where", [{"count": 1}]),
    (("expect",), "where", [{"query": "a", "count": 1, "at_most": 1}]),
    (("expect",), "where", [{"query": "a", "group": "requests"}]),
    (("expect",), "vitals", {"from": "a"}),
    (("expect",), "vitals", {"cpu_share": "half"}),
    (("expect",), "probes", {"app": {"at_least": 1}}),
    (("expect",), "probes", {"app /h": {}}),
]


TABLE_BASE = """
topic: t
given: {exchanges: [origin]}
cases: [{id: a, says: b, rfc: 9111/4, origin: {cache: 30s}, exchanges: [origin, {after: 2s, from: store, expect: {age: 2s}}]}]
"""
WRONG_IN_A_TABLE = [
    ((), "topics", "t"),
    ((), "cases", []),
    (("given",), "cases", []),
    (("cases", 0), "id", "1"),
    (("cases", 0), "kind", "recommended"),
    (("cases", 0), "rfc", "9111 4"),
    (("cases", 0), "orign", {}),
    (("cases", 0), "origin", {"stats": 200}),
    (("cases", 0), "exchanges", []),
    (("cases", 0), "exchanges", ["cache"]),
    (("cases", 0), "exchanges", [{}]),
    (("cases", 0), "exchanges", [{"from": "cache"}]),
    (("cases", 0), "exchanges", [{"from": "store", "expect": {"agee": "2s"}}]),
    (("cases", 0), "rules_off", {"a": ""}),
]


class Tables(unittest.TestCase):
    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(TABLE)

    def test_every_table_is_valid(self):
        files = sorted(path for path in (ROOT / "conformance").rglob("*.yaml"))
        self.assertGreaterEqual(len(files), 15)
        for path in files:
            with self.subTest(path=str(path)):
                self.assertEqual(problems(load(path.read_text(encoding="utf-8")), TABLES), [])

    def test_each_mistake_is_one(self):
        self.assertEqual(problems(load(TABLE_BASE), TABLES), [])
        for where, key, value in WRONG_IN_A_TABLE:
            with self.subTest(where=where, key=key, value=value):
                document = load(TABLE_BASE)
                inside = document
                for part in where:
                    inside = inside[part]
                inside[key] = value
                self.assertNotEqual(problems(document, TABLES), [])


class Schema(unittest.TestCase):
    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_every_scenario_is_valid(self):
        files = list(scenario_files())
        self.assertGreaterEqual(len(files), 4)
        for path in files:
            with self.subTest(path=str(path)):
                self.assertEqual(problems(load(path.read_text(encoding="utf-8"))), [])

    def test_each_mistake_is_one(self):
        base = load(BASE)
        self.assertEqual(problems(base), [])
        for where, key, value in WRONG:
            with self.subTest(where=where, key=key, value=value):
                document = copy.deepcopy(base)
                inside = document
                for part in where:
                    inside = inside[part]
                inside[key] = value
                self.assertNotEqual(problems(document), [])

    def test_what_is_missing_is_a_mistake(self):
        for key in ("claim", "steps"):
            document = load(BASE)
            del document[key]
            self.assertNotEqual(problems(document), [])
        document = load(BASE)
        document["steps"] = [{"at": "0s"}]
        self.assertNotEqual(problems(document), [])

    def test_every_key_has_a_description(self):
        def keys(schema, path):
            for key, value in schema.get("properties", {}).items():
                resolved = SCHEMA["$defs"][value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else value
                self.assertTrue("description" in value or "description" in resolved or key in ("at_least", "at_most", "vitals"), path + "/" + key)
        keys(SCHEMA, "")
        for name, definition in SCHEMA["$defs"].items():
            keys(definition, name)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=0))
