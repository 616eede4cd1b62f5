#!/usr/bin/python3
"""`badorigin log` compared with varnishlog and varnishncsa on the same traffic: what the packets show is what Varnish logged.

Both print groups in the same form, so one reader takes both. From Varnish's records the messages are taken as they went over the wire: a
request as received (before any VCL ran), a response as delivered, a fetch as sent, its answer as received. Groups are paired by the client
response's X-Varnish, requests to origins by the X-Varnish that they carry. A difference is a failure unless log_differences.json names it."""
import collections
import difflib
import json
import pathlib
import re
import subprocess
import time

import jsonschema
from common import PROGRAM, ROOT, SCENARIOS, EndToEnd, main, run_suite

SUITES = "storms", "grace", "bodies", "saint", "collapsing"
ALLOWED = {d["id"]: d for d in json.loads((pathlib.Path(__file__).parent / "log_differences.json").read_text())["differences"]}

QUERIES = [
    "ReqURL", "RespStatus >= 400", "RespStatus == 200 and ReqMethod eq GET", "not RespStatus == 200", "RespHeader:X-Varnish[2]",
    "ReqHeader:host ~ '(?i)BADORIGIN'", "RespHeader:Age > 0.5", "ReqURL ~ '^/(report|orders)' or RespStatus == 503", "{1}ReqMethod eq POST",
    "Resp*:Content-Length < 100 and not (ReqURL eq '/page')", "BerespStatus == 500", "{2+}BereqURL and {1-}RespStatus != 200",
    "*Status >= 500", "BereqHeader:X-Varnish != 3", "ReqMethod,BereqMethod ne GET"]


class Transaction:
    def __init__(self, kind, number):
        self.kind, self.number, self.records = kind, number, []

    def all(self, tag):
        return [value for name, value in self.records if name == tag]

    def stamps(self):
        """event → seconds since 1970"""
        return {value.split(": ")[0]: value.split()[1] for value in self.all("Timestamp")}

    def begin(self):
        """(parent's number, why)"""
        _, parent, why = self.all("Begin")[0].split(" ")[:3]
        return int(parent), why


def groups_of(text):
    """Of `-g request` and the like: a list of groups, each a list of transactions."""
    groups, group = [], None
    for line in text.splitlines():
        head = re.match(r"\*+\d?\*? *<< (\w+) +>> (\d+)", line)
        record = re.match(r"-+\d?-? +(\S+) ?(.*)", line)
        if head:
            if group is None:
                group = []
                groups.append(group)
            group.append(Transaction(head[1], int(head[2])))
        elif record:
            group[-1].records.append((record[1], record[2].strip()))
        elif not line:
            group = None
    return groups


class Message:
    """Start line and fields as the records tell them, changes applied."""

    def __init__(self, prefix):
        self.prefix, self.start, self.fields = prefix, {}, []

    def take(self, tag, value):
        if not tag.startswith(self.prefix):
            return
        what = tag[len(self.prefix):]
        if what == "Header":
            self.fields.append(value)
        elif what == "Unset" and value in self.fields:
            self.fields.remove(value)
        elif what in ("Method", "URL", "Protocol", "Status", "Reason"):
            if what == "Protocol" and self.prefix in ("Resp", "Beresp"):
                self.fields = []  # another response takes its place
            self.start[what] = value

    def field(self, name):
        return next((f.split(":", 1)[1].strip() for f in self.fields if f.lower().startswith(name.lower() + ":")), None)

    def wire(self):
        return self.start, sorted(re.sub(r":\s*", ": ", f, count=1) for f in self.fields)


def message(prefix, records):
    made = Message(prefix)
    for tag, value in records:
        made.take(tag, value)
    return made


def before(records, stop):
    """Records up to the first that `stop` is true of."""
    return records[:next((i for i, r in enumerate(records) if stop(*r)), len(records))]


def asks(transaction):
    """Of a request to an origin: whether it had a connection, and so has packets."""
    return transaction.all("BackendOpen") or transaction.all("BackendReuse")


class Fetch:
    """A request to an origin that has packets, as either log tells it."""

    def __init__(self, t, ours):
        records = t.records
        self.number = t.number
        self.parent, self.why = t.begin()
        self.reused = [value.split()[-1] == "reuse" for tag, value in records if tag in ("BackendOpen", "BackendReuse")]
        self.failed, self.stamps = bool(t.all("FetchError")), t.stamps()
        self.request = message("Bereq", before(records, lambda tag, value: tag == "Timestamp" and value.startswith("Bereq:")))
        self.response = message("Beresp", records if ours else self.received(records))
        self.id = self.request.field("X-Varnish")

    @staticmethod
    def received(records):
        """What came from the origin: behind the stamp of its arrival, before the policy, and not what Varnish makes when nothing came."""
        at = max((i for i, (tag, value) in enumerate(records) if tag == "Timestamp" and value.startswith("Beresp:")), default=len(records))
        part = before(records[at + 1:], lambda tag, value: tag in ("VCL_call", "TTL", "FetchError"))
        return [] if any(tag == "Timestamp" and value.startswith("Error:") for tag, value in part) else part


class Group:
    """A client's request with those to origins. `received_until`: the record that ends what the client sent, where the log goes on with changes."""

    def __init__(self, transactions, ours, received_until="VCL_call"):
        requests = [t for t in transactions if t.kind == "Request"]
        first, last = requests[0], requests[-1]
        self.restarted = len(requests) > 1
        self.synthetic = any(name in ("SYNTH", "ERROR") for name in last.all("VCL_call"))
        self.includes = {t.number for t in transactions if t.kind == "Include"}
        self.piped = any(value == "pipe" for tag, value in first.records if tag == "VCL_return")
        self.stamps = last.stamps()
        received = first.records if ours else before(first.records, lambda tag, value: tag == received_until)
        self.request = message("Req", received)
        self.response = message("Resp", last.records)
        self.hits = [int(value.split()[0]) for t in requests for value in t.all("Hit")]
        self.fetches = [Fetch(t, ours) for t in transactions if t.kind == "BeReq" and (ours or asks(t))]
        self.silent = {t.number: t.begin() for t in transactions if t.kind == "BeReq" and not asks(t)}
        start = first.all("ReqStart")[0].split()
        self.key = self.response.field("X-Varnish") and self.response.field("X-Varnish").split()[0] or " ".join(start[:2])
        self.token = self.request.field("Badorigin-Token")

    def children(self):
        """X-Varnish of each fetch → (X-Varnish of the one that it repeats or None, why)"""
        by_number = {f.number: f for f in self.fetches}
        tree = {}
        for f in self.fetches:
            parent, why = f.parent, f.why
            while parent in self.silent:  # no packet of it: its own parent is the nearest that the packets know
                parent, why = self.silent[parent][0], self.silent[parent][1]
            tree[f.id] = (by_number[parent].id if parent in by_number else None, why)
        return tree


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, timeout=60).stdout


class Comparison:
    """The log of packets with what a proxy has logged itself; `allowed`: the names of known differences."""

    def __init__(self, scenario, bundle, used, allowed, theirs, received_until="VCL_call"):
        self.scenario, self.bundle, self.used, self.allowed, self.troubles = scenario, pathlib.Path(bundle), used, allowed, []
        self.ours = {g.key: g for g in (Group(t, True) for t in groups_of(run(PROGRAM, "log", self.bundle)))}
        self.theirs = {g.key: g for g in (Group(t, False, received_until) for t in theirs)}

    def differ(self, where, what, ours, theirs):
        self.troubles.append(f"{self.scenario}: {where}: {what}: packets {ours!r}, the proxy {theirs!r}")

    def allow(self, name):
        self.used[name] += name in self.allowed
        return name in self.allowed

    def same(self, where, what, ours, theirs):
        if ours != theirs:
            self.differ(where, what, ours, theirs)

    def compare(self):
        self.same("all", "groups", sorted(self.ours.keys() - self.unread() - self.refused()), sorted(self.theirs))
        names = {f.number: f.id for g in self.theirs.values() for f in g.fetches}
        our_names = {f.number: f.id for g in self.ours.values() for f in g.fetches}
        for key in self.ours.keys() & self.theirs.keys():
            ours, theirs = self.ours[key], self.theirs[key]
            self.same(key, "request", self.without_forwarded_for(ours, theirs), theirs.request.wire())
            if not (theirs.piped and self.allow("piped-response")):
                self.same(key, "response", ours.response.wire(), theirs.response.wire())
            self.hits(key, ours, theirs, {our_names.get(h) for h in ours.hits}, {names.get(h) for h in theirs.hits})
            self.links(key, ours, theirs)
        return len(self.ours), sum(len(g.fetches) for g in self.ours.values())

    def unread(self):
        """Groups that varnishlog had no time for: those behind the last that it has."""
        end = max((float(g.stamps["Start"]) for key, g in self.ours.items() if key in self.theirs), default=float("inf"))
        late = {key for key, g in self.ours.items() if key not in self.theirs and float(g.stamps["Start"]) > end}
        return late if late and self.allow("varnishlog-ended-first") else set()

    def refused(self):
        """Groups of requests that the proxy could not read."""
        those = {key for key, g in self.ours.items() if key not in self.theirs and g.response.start.get("Status") in (None, "400")}
        return those if those and self.allow("refused-request-is-none") else set()

    def without_forwarded_for(self, ours, theirs):
        """Varnish logs the X-Forwarded-For that it adds before the policy runs as if it had been received."""
        start, fields = ours.request.wire()
        added = [f for f in theirs.request.fields if f.startswith("X-Forwarded-For:")]
        if added and ours.request.field("X-Forwarded-For") is None and self.allow("forwarded-for-is-added"):
            fields = sorted(fields + added)
        return start, fields

    def hits(self, key, ours, theirs, our_ids, their_ids):
        if our_ids == their_ids:
            return
        missing, more = their_ids - our_ids, our_ids - their_ids
        undelivered = theirs.restarted or theirs.synthetic or ours.response.start.get("Status") != "200"
        if not more and undelivered and self.allow("hit-that-was-not-delivered"):
            return
        self.differ(key, "hits", sorted(map(str, more)), sorted(map(str, missing)))

    def links(self, key, ours, theirs):
        mine, real = {f.id: f for f in ours.fetches}, {f.id: f for f in theirs.fetches}
        self.same(key, "fetches", sorted(mine), sorted(real))
        our_tree, their_tree = ours.children(), theirs.children()
        for name in mine.keys() & real.keys():
            a, b = mine[name], real[name]
            where = f"{key}, fetch {name}"
            self.same(where, "request", a.request.wire(), b.request.wire())
            self.same(where, "connections", a.reused, b.reused)
            self.answer(where, theirs.piped, a, b)
            known = float(a.stamps.get("Error") or a.stamps.get("Beresp") or "inf")
            self.link(where, known <= float(ours.stamps.get("Process", "-inf")), our_tree[name], their_tree[name])

    def restarts(self, where):
        return self.theirs[where.split(",")[0]].restarted

    def of_include(self, where):
        key, name = where.split(", fetch ")
        group = self.theirs[key]
        return any(f.id == name and f.parent in group.includes for f in group.fetches)

    def answer(self, where, piped, ours, theirs):
        nothing = not theirs.response.start
        if nothing and piped and self.allow("piped-response"):
            return
        if nothing and theirs.failed and ours.response.start and self.allow("answer-that-was-not-read"):
            return
        self.same(where, "response", ours.response.wire(), theirs.response.wire())
        if not (theirs.failed and not ours.failed and self.allow("whole-response-fails")):
            self.same(where, "failed", ours.failed, theirs.failed)

    def link(self, where, known_first, ours, theirs):
        parent, why = theirs
        if why in ("pass", "pipe") and self.allow("pass-and-pipe-look-like-fetches"):
            why = "fetch"
        if (parent, why) == (None, "fetch") and ours[1] == "retry" and self.restarts(where) and self.allow("restart-looks-like-a-retry"):
            return
        if ours == (None, "bgfetch") and theirs == (None, "fetch") and self.of_include(where) and self.allow("include-begins-behind-the-page"):
            return
        early = why == "bgfetch" and ours == (parent, "fetch") and known_first
        if (parent, why) != ours and not (early and self.allow("early-background-fetch")):
            self.differ(where, "link", ours, (parent, why))


class VarnishComparison(Comparison):
    def __init__(self, scenario, bundle, used):
        self.vsl = pathlib.Path(bundle) / "proxy" / "varnish.vsl"
        super().__init__(scenario, bundle, used, ALLOWED, groups_of(run("varnishlog", "-r", self.vsl, "-g", "request")))

    def queries(self, by):
        for query in QUERIES:
            ours = {t.all("ReqHeader")[1] for g in groups_of(run(PROGRAM, "log", self.bundle, "-g", by, "-q", query)) for t in g if t.kind == "Request"}
            theirs = {t.all("ReqHeader")[1] for g in groups_of(run("varnishlog", "-r", self.vsl, "-g", by, "-q", query)) for t in g if t.kind == "Request"}
            self.same(f"-g {by}", query, sorted(ours), sorted(theirs))

    def alone(self):
        """The capture without its bundle: roles are found, and all is joined, from the traffic."""
        def known(text):
            return [line for line in text.splitlines() if not re.match(r"-\S* +(ReqStart|Backend\w+|Timestamp) ", line)]
        ours, bundles = (known(run(PROGRAM, "log", what)) for what in (self.bundle / "packets.pcapng", self.bundle))
        self.same("packets.pcapng", "log", list(difflib.unified_diff(bundles, ours, lineterm="", n=0)), [])

    def rows(self, rows):
        text = run(PROGRAM, "log", self.bundle, "--format", "ndjson")
        self.troubles += [f"{self.scenario}: {t}" for t in rows.troubles(text)]
        made = [json.loads(line) for line in text.splitlines()]
        self.same("ndjson", "rows", sum(row["client"] is not None for row in made), len(self.ours))
        self.same("ndjson", "fetches", sum(len(row["fetches"]) for row in made if row["client"]), sum(len(g.fetches) for g in self.ours.values()))

    def ncsa(self):
        def lines(text):
            return sorted(re.sub(r"\[.*?\]", "[]", line) for line in text.splitlines())
        if any(g.piped for g in self.theirs.values()):
            return
        self.same("ncsa", "lines", lines(run(PROGRAM, "log", self.bundle, "--format", "ncsa")), lines(run("varnishncsa", "-r", self.vsl)))


class Rows:
    """Rows held to docs/log-schema.json."""

    def __init__(self):
        schema = json.loads((ROOT / "docs" / "log-schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)

    def troubles(self, text):
        return [f"row {n}: {e.json_path}: {e.message}" for n, line in enumerate(text.splitlines(), 1) for e in self.validator.iter_errors(json.loads(line))]


class Log(EndToEnd):
    def test_rows_are_as_the_schema_says_and_the_schema_can_tell(self):
        golden = (ROOT / "tests" / "unit" / "reports" / "golden" / "log.ndjson").read_text()
        rows = Rows()
        self.assertEqual(rows.troubles(golden), [])
        first = json.loads(golden.splitlines()[0])
        for spoil in (lambda r: r.update(schema=2), lambda r: r["client"]["request"].pop("content_size"), lambda r: r["fetches"][0].update(kind="pass"),
                      lambda r: r["client"].update(more=1), lambda r: r["client"]["response"].update(status="200")):
            row = json.loads(json.dumps(first))
            spoil(row)
            self.assertNotEqual(rows.troubles(json.dumps(row)), [])

    def test_log_agrees_with_varnishlog_on_the_same_traffic(self):
        begun = time.monotonic()
        _, results = run_suite(self.out, "--proxy", "varnish", "--keep-evidence", "always", paths=[SCENARIOS / s for s in SUITES])
        used, troubles, groups, fetches, bundles, rows = collections.Counter(), [], 0, 0, 0, Rows()
        for (scenario, _), result in sorted(results.items()):
            if "evidence" not in result:
                continue
            comparison = VarnishComparison(scenario, result["evidence"], used)
            some, of_them = comparison.compare()
            groups, fetches, bundles = groups + some, fetches + of_them, bundles + 1
            comparison.ncsa()
            comparison.rows(rows)
            if scenario in ("storms/storm-for-a-time-is-hidden-by-grace", "saint/second-origin-is-asked-instead"):
                for by in ("request", "vxid", "session"):
                    comparison.queries(by)
                comparison.alone()
            troubles += comparison.troubles
        took = time.monotonic() - begun
        print(f"{groups} requests and {fetches} fetches of {bundles} runs in {took:.1f} s; allowed: {dict(used)}")
        self.assertEqual(troubles, [], "\n".join(troubles))
        self.assertGreater(bundles, 35)
        self.assertGreater(groups, 100)
        self.assertGreater(fetches, 100)
        self.assertEqual({name for name, d in ALLOWED.items() if not d.get("sometimes")} - used.keys(), set(), "allowed, and no longer seen")


if __name__ == "__main__":
    main()
