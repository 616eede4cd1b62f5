#!/usr/bin/python3
"""`badorigin import`: captures of the bundled suites become scenarios that are upheld, readable, without secrets, and nothing is left out unsaid."""
import json
import pathlib
import re
import shutil
import subprocess

from common import SCENARIOS, EndToEnd, badorigin, main, of_one_proxy, run_suite, told_as

LEFT_OUT = json.loads((pathlib.Path(__file__).parent / "import_left_out.json").read_text())
SECRET = ("swordfish-0123456789", "c29tZWJvZHk6cGFzc3dvcmQ=", "crumbs-of-ann", "sesame-4711", "eyJhbGciOiJub25lIn0")
SHOP = f"""claim: A shop with secrets
origins:
  app:
    GET /login?user=ann&token={SECRET[0]}:
      - {{status: 200, body: "hello {SECRET[2]}", cache: private, fields: {{Set-Cookie: "sid={SECRET[3]}; Path=/"}}}}
    POST /orders?user=ann: {{status: 201, body: made}}
    GET /account: {{status: 200, body: account, cache: private}}
steps:
  - {{client: "GET /login?user=ann&token={SECRET[0]}", fields: {{Authorization: "Basic {SECRET[1]}", Cookie: "crumb={SECRET[2]}"}}}}
  - {{client: "POST /orders?user=ann", body: "password={SECRET[0]}", fields: {{Cookie: "crumb={SECRET[2]}; sid={SECRET[3]}"}}}}
  - {{client: GET /account, name: ann, fields: {{Authorization: "Bearer {SECRET[4]}", X-Api-Key: "{SECRET[3]}"}}}}
  - {{client: GET /account, name: ben, fields: {{Authorization: "Bearer {SECRET[4]}"}}}}
"""


class Import(EndToEnd):
    def setUp(self):
        super().setUp()
        self.root = self.out / "imported"
        shutil.copytree(SCENARIOS / "policies", self.root / "policies")

    def run_one(self, text):
        """The bundle of a scenario that is upheld."""
        file = self.out / "scenarios/one.yaml"
        file.parent.mkdir()
        file.write_text(text)
        done, results = run_suite(self.out / "evidence", "--policies", SCENARIOS / "policies", "--keep-evidence", "always", paths=(file,))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        [result] = results.values()
        return pathlib.Path(result["evidence"])

    def imported(self, *args):
        done = badorigin("import", *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def test_captures_of_the_bundled_suites_give_scenarios_that_are_upheld(self):
        done, results = run_suite(self.out / "first", "--keep-evidence", "always", paths=of_one_proxy())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        left_out, exchanges = {}, 0
        for (scenario, _), result in sorted(results.items()):
            bundle = pathlib.Path(result["evidence"])
            told = self.imported(bundle / "packets.pcapng", "-o", self.root / scenario, "--all", *told_as(bundle))
            exchanges += int(re.search(r"^(\d+) of \d+ exchanges in \d+ scenarios", told, re.M).group(1))
            sentences = [line for line in told.splitlines() if line.startswith("Left out: ")]
            if sentences:
                left_out[scenario] = sentences
        self.assertGreater(exchanges, 250)
        self.assertEqual(left_out.keys(), LEFT_OUT.keys(), left_out)
        for scenario, sentences in left_out.items():
            self.assertEqual(len(sentences), LEFT_OUT[scenario]["exchanges"], sentences)
            for sentence in sentences:
                self.assertRegex(sentence, LEFT_OUT[scenario]["because"])
        done, results = run_suite(self.out / "second", paths=(self.root,))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(len(results), 85 - len(LEFT_OUT))
        self.assertEqual({r["outcome"] for r in results.values()}, {"upheld"})

    def test_proxy_that_behaves_otherwise_violates_what_was_imported(self):
        bundle = self.run_one((SCENARIOS / "freshness/variants-stay-apart.yaml").read_text())
        self.imported(bundle, "-o", self.root / "one", *told_as(bundle))
        done = badorigin("run", self.root, "--out", self.out / "again", "--plant", "ignore-vary")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)

    def test_secrets_never_appear_and_what_was_equal_stays_equal(self):
        bundle = self.run_one(SHOP)
        for bodies in ("keep", "short", "size"):
            shutil.rmtree(self.root / "shop", ignore_errors=True)
            told = self.imported(bundle, "-o", self.root / "shop", "--bodies", bodies)
            self.assertRegex(told, r"[4-9] secrets replaced")
            written = {file: file.read_text() for file in (self.root / "shop").rglob("*.yaml")}
            for secret in SECRET:
                for text in [told, *map(str, written), *written.values()]:
                    self.assertNotIn(secret, text)
            [account] = [text for text in written.values() if "GET /account" in text]
            self.assertEqual(len(set(re.findall(r'Authorization: "Bearer (secret-\d+)"', account))), 1, account)
        done = badorigin("run", self.root, "--out", self.out / "again")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        told = self.imported(bundle, "-o", self.root / "kept", "--keep-secrets", "--bodies", "keep")
        self.assertNotIn("secrets replaced", told)
        kept = "".join(file.read_text() for file in (self.root / "kept").rglob("*.yaml"))
        for secret in SECRET:
            self.assertIn(secret, kept)

    def test_one_scenario_stands_for_those_that_differ_in_their_targets_alone(self):
        pages = "".join(f"    GET /{name}: {{status: 200, body: {{size: {size}, seed: 1}}}}\n" for name, size in (("a", 700), ("b", 800), ("c", 900)))
        steps = "".join(f"  - {{client: GET /{name}}}\n" for name in "abc")
        bundle = self.run_one(f"claim: Pages alike\norigins:\n  app:\n{pages}    GET /d: {{status: 404}}\nsteps:\n{steps}  - {{client: GET /d}}\n")
        told = self.imported(bundle, "-o", self.root / "one")
        self.assertIn("2 of 4 exchanges in 2 scenarios, 0 left out; 2 more differ from these in their targets alone (--all)", told)
        self.assertIn("4 of 4 exchanges in 4 scenarios", self.imported(bundle, "-o", self.root / "all", "--all"))

    def test_client_side_and_origin_side_in_two_files_give_what_one_file_gives(self):
        bundle = self.run_one((SCENARIOS / "saint/window-lasts-to-its-end.yaml").read_text())
        sides = []
        for port in (8080, 9001):
            sides.append(self.out / f"{port}.pcapng")
            subprocess.run(["tshark", "-r", bundle / "packets.pcapng", "-Y", f"tcp.port=={port} or udp.port==9", "-w", sides[-1]], check=True, capture_output=True)
        told = told_as(bundle)
        self.imported(bundle / "packets.pcapng", "-o", self.root / "one", *told)
        self.imported(*sides, "-o", self.root / "two", *told)
        one, two = ({file.name: file.read_text().split("\n", 1)[1] for file in (self.root / name).glob("*.yaml")} for name in ("one", "two"))
        self.assertEqual(one, two)

    def test_damaged_capture_is_imported_as_far_as_it_goes(self):
        bundle = self.run_one((SCENARIOS / "storms/error-is-not-stored.yaml").read_text())
        whole = (bundle / "packets.pcapng").read_bytes()
        cut = self.out / "cut.pcapng"
        for part in (0.6, 0.8):
            where = int(len(whole) * part)
            cut.write_bytes(whole[:where])
            told = self.imported(cut, "-o", self.root / "cut")
            self.assertRegex(told, r"exchanges in 1 scenarios")
            self.assertNotIn("not at all", told)  # the end of a capture is nobody's silence
            cut.write_bytes(whole[:where] + b"\xff" * 400 + whole[where + 400 :])
            told = self.imported(cut, "-o", self.root / "cut")
            self.assertRegex(told, r"exchanges in 1 scenarios")
            self.assertIn("cut.pcapng is damaged, and read as far as it goes: ", told)
        cut.write_bytes(b"no capture at all")
        done = badorigin("import", cut, "-o", self.root / "none")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        self.assertIn("cut.pcapng", done.stderr)

    def test_nothing_to_import_is_said_and_nothing_is_made(self):
        bundle = self.run_one((SCENARIOS / "storms/error-is-not-stored.yaml").read_text())
        done = badorigin("import", bundle / "packets.pcapng", "-o", self.root / "none", "--proxy-addr", "192.0.2.1:80")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("nothing to import", done.stderr)
        self.assertFalse((self.root / "none").exists())

    def test_foreign_file_in_the_folder_is_not_written_over(self):
        bundle = self.run_one((SCENARIOS / "storms/error-is-not-stored.yaml").read_text())
        folder = self.root / "own"
        self.imported(bundle, "-o", folder)
        [file] = folder.glob("*.yaml")
        self.imported(bundle, "-o", folder)  # its own it may
        file.write_text("claim: mine\n")
        done = badorigin("import", bundle, "-o", folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{file}: is there already", done.stderr)
        self.assertEqual(file.read_text(), "claim: mine\n")

    def test_wrong_options_are_one_sentence(self):
        for args, why in (((), "captures is required"), (("nowhere.pcap",), "--out is required"), (("nowhere.pcap", "-o", "x"), "nowhere.pcap: no such file"),
                          ((SCENARIOS, "-o", "x", "--promise", "ttl"), "NAME=DURATION"), ((SCENARIOS, "-o", "x", "--promise", "ttl=soon"), "no duration"),
                          ((SCENARIOS, "-o", "x", "--rule-off", "bodyforwarded-whole=x"), "did you mean"), ((SCENARIOS, "-o", "x", "--bodis", "keep"), "did you mean --bodies")):
            done = badorigin("import", *args, cwd=self.out)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
            self.assertIn(why, done.stderr)
        helped = badorigin("import", "--help")
        self.assertEqual(helped.returncode, 0)
        for option in ("--policy", "--promise", "--bodies", "--keep-secrets", "--proxy-addr", "--origin", "--rule-off"):
            self.assertIn(option, helped.stdout)


if __name__ == "__main__":
    main()
