#!/usr/bin/python3
"""Every check is proven: each planted bug is found by its rules with evidence, what each scenario expects and what each rule
demands is violated by some planted bug."""
import concurrent.futures
import contextlib
import os
import time

from common import EndToEnd, columns, main, planted_bugs, run_suite

RUNS_AT_ONCE = 3  # a run mostly waits for its few real-time scenarios

# Bugs that break no law of HTTP: the policy asks for something that the cache may leave undone as far as any rule can tell from the packets, so
# that only the scenario which knows the policy can name them, by what it expects.
NAMED_BY_EXPECTATIONS = {
    "no-retry": "return (retry) is the policy's wish; a 503 instead is a lawful answer",
    "ignore-pipe": "pass instead of pipe is a lawful way of forwarding; the packets do not say which one the policy asked for",
    "ignore-grace": "to wait for a new copy instead of serving a stale one is always lawful",
    "wait-without-end": "how long an origin is waited for stands in the policy alone",
    "ignore-max-connections": "how many connections an origin can take stands in the policy alone",
    "hash-by-turn": "which origin is asked stands in the policy alone",
    "random-by-hash": "which origin is asked stands in the policy alone",
    "shard-reshuffles": "which origin is asked stands in the policy alone",
    "no-proxy-header": "that an origin is to be told the client stands in the policy alone",
    "reuse-connection-of-another-client": "a reused connection is lawful HTTP; what was said at its begin is another protocol's affair",
    "ignore-proxy-header": "whom a policy takes for the client shows in what it does alone",
    "probe-too-often": "how often an origin is probed stands in the policy alone",
    "probe-when-unused": "which configuration is in use is the operator's doing, and not in the packets",
    "drop-trailers": "trailer fields may be discarded on their way (RFC 9110 section 6.5)",
    "merge-trailers": "which fields may be merged their definitions say (RFC 9110 section 6.5.1), and most names no rule knows",
    "serve-http-0-9": "HTTP/0.9 has no framing that could be broken; not to serve it is a decision",
    "combine-other-representations": "the packets show a whole response; that its parts came from two is known to who wrote both",
    "ignore-esi": "what a page says to caches between tags is the policy's to follow; the packets do not say that it was to be",
    "range-of-synthesized": "a range of a response that was made up is a lawful answer; that the policy's answer is not cut is Varnish's promise",
    "no-restart": "what a policy answers again stands in the policy alone; the error instead is a lawful answer",
    "sick-by-last-probe": "how many probes of how many make an origin sick stands in the policy alone",
    "refresh-in-front": "to wait for a new copy is always lawful",
    "ignore-purge": "whose method it is that purges stands in the policy alone; what was purged is as fresh as before",
    "no-cap-on-clients": "how many clients there may be is the operator's word",
    "never-evict": "how much a store may hold is the operator's word",
    "one-store-for-all": "which response goes into which store stands in the policy alone",
    "forwarded-for-apart": "several lines of a list mean what one line means (RFC 9110 section 5.3); that they are folded is Varnish's promise",
    "request-timeout-from-idle": "how long a client is waited for is a decision",
    "ignore-onerror": "what a page says to caches between tags is the policy's to follow",
    "includes-without-end": "how deep includes are followed is a decision",
    "page-as-a-whole": "when what part of a page is sent is a decision",
    "ignore-hash-data": "that a user's name belongs to the cache key stands in the policy alone; the response does not vary by it",
}

# Scenarios whose claim only a rule can state.
RESTS_ON_A_RULE = {
    "framing/truncated-response-by-pass-is-not-whole": "cut short towards the client, or an error in its place: expect: has no word for either",
}


@contextlib.contextmanager
def first_in_line():
    """Who shall be seen to burn a core must get one, however busy the machine is; without the right to that it has to be idle enough."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, min(before, -10))
    except PermissionError:
        pass
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


class Outcome:
    """What one planted bug did to the suite."""

    def __init__(self, bug, done, results):
        self.bug, self.exit = bug, done.returncode
        self.errors = {key[0]: r.get("reason") for key, r in results.items() if r["outcome"] == "error"}
        self.scenarios, self.rules, self.expectations, self.without_evidence = set(), set(), set(), []
        for (scenario, _), result in results.items():
            for finding in result.get("citations", {}).get("findings", []):
                if finding["outcome"] != "violated":
                    continue
                self.scenarios.add(scenario)
                if finding["kind"] == "required":
                    self.rules.add(finding["claim"])
                    if not finding["citations"]:
                        self.without_evidence.append(f"{bug}: {scenario} violates {finding['claim']} without evidence")
                else:
                    self.expectations.add((scenario, finding["claim"]))


class PlantedBugs(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outcomes = None

    def matrix(self):
        """Each bug's run of the whole suite, made once for all tests."""
        cls = type(self)
        if cls.outcomes is None:
            begun = time.monotonic()

            def run(bug, *more):
                return Outcome(bug, *run_suite(self.out / bug, "--plant", bug, "--keep-evidence", "never", *more))

            burning = [bug for bug in planted_bugs() if bug.startswith("spin-")]
            with concurrent.futures.ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
                cls.outcomes = list(pool.map(run, [bug for bug in planted_bugs() if bug not in burning]))
            with first_in_line():
                cls.outcomes += [run(bug, "--jobs", 2) for bug in burning]
            print(f"{len(cls.outcomes)} planted bugs in {time.monotonic() - begun:.0f} s", flush=True)
        return cls.outcomes

    def test_each_bug_is_found(self):
        wrong = [f"{o.bug}: exit {o.exit}, errors {o.errors}" for o in self.matrix() if o.exit != 1]
        self.assertEqual(wrong, [])

    def test_each_bug_is_named_by_a_rule_with_evidence(self):
        unnamed = {o.bug for o in self.matrix() if not o.rules}
        self.assertEqual({o.bug: sorted(o.expectations) for o in self.matrix() if o.bug in unnamed - set(NAMED_BY_EXPECTATIONS)}, {})
        self.assertEqual(set(NAMED_BY_EXPECTATIONS) - unnamed, set(), "a rule names these by now: take them off the table")
        self.assertEqual([o.bug for o in self.matrix() if o.bug in unnamed and not o.expectations], [])
        self.assertEqual([line for o in self.matrix() for line in o.without_evidence], [])

    def test_what_each_scenario_expects_is_violated_by_some_bug(self):
        all_of_them = {line[0] for line in columns("scenarios")}
        self.assertEqual(sorted(all_of_them.difference(*(o.scenarios for o in self.matrix()))), [])
        by_rules_alone = all_of_them - {scenario for o in self.matrix() for scenario, _ in o.expectations}
        self.assertEqual(by_rules_alone, set(RESTS_ON_A_RULE))

    def test_each_rule_is_violated_by_each_bug_that_it_lists(self):
        found = {o.bug: o.rules for o in self.matrix()}
        for rule, _, _, _, bugs, where in columns("rules"):
            if where == "captures":  # they name what the honest cache may do as well: nothing can be planted
                continue
            self.assertTrue(bugs, f"{rule} lists no planted bug")
            for bug in bugs.split(","):
                self.assertIn(rule, found[bug], f"{bug} does not violate {rule}")

    def test_without_a_bug_nothing_is_violated(self):
        done, _ = run_suite(self.out / "none")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
