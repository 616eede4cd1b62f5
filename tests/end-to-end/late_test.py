#!/usr/bin/python3
"""A step that begins too long after its instant: inconclusive, with the reason; what was violated before it stays violated."""
from common import SCENARIOS, EndToEnd, main, run_suite

LATE = """claim: The second step is due while the first is under way
clock: real
origins:
  app:
    GET /slow: {{status: 200, body: slow, delay: 2500ms}}
    GET /next: {{status: 200, body: next}}
steps:
  - {{at: 0s, client: GET /slow, name: slow, expect: {{status: {status}}}}}
  - {{at: 500ms, client: GET /next, name: next, expect: {{body: {body}}}}}
"""


class Late(EndToEnd):
    def run_one(self, status, body):
        path = self.out / f"late-{status}-{body}.yaml"
        path.write_text(LATE.format(status=status, body=body))
        done, results = run_suite(self.out / path.stem, "--policies", SCENARIOS / "policies", paths=[path])
        (result,) = results.values()
        return done, result, {f["claim"]: f["outcome"] for f in result["verdicts"]["findings"]}

    def test_a_late_step_says_nothing_and_why(self):
        done, result, findings = self.run_one(200, "other")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("step next is due at 500ms but the step before it was over at 2", result["reason"])
        self.assertEqual(set(findings.values()) - {"not_applicable"}, {"inconclusive"})

    def test_what_was_violated_before_it_stays_violated(self):
        done, result, findings = self.run_one(404, "other")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(findings["expect slow status"], "violated")
        self.assertEqual(findings["expect next body"], "inconclusive")


if __name__ == "__main__":
    main()
