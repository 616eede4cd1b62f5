#!/usr/bin/python3
"""No evidence, no verdict: with any one data frame taken out of a capture nothing turns into upheld, and what cited the frame is inconclusive.

The same for the harness's own markers, and for a capture that was cut off anywhere."""
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess

from common import SCENARIOS, EndToEnd, badorigin, main, run_suite

BATCH = 100
JUDGED_FROM = ("manifest.json", "scenario.yaml", "vitals.json", "received.json")
MARKERS = "udp.dstport == 9 && !icmp"
# Violated runs, since what is violated must not turn into upheld either: a planted bug, and the suite that it violates.
VIOLATED = {"body-lost-on-reused-connection": "bodies", "no-collapsing": "collapsing", "forward-hop-by-hop": "framing", "no-age": "freshness",
            "serve-beyond-grace": "grace", "crash-on-failed-fetch": "health", "ignore-saint": "saint", "store-error": "storms"}


def tshark(bundle, which, *fields):
    """One tuple of numbers a frame."""
    wanted = [word for field in fields for word in ("-e", field)]
    text = subprocess.run(["tshark", "-r", str(bundle / "packets.pcapng"), "-Y", which, "-T", "fields", *wanted],
                          capture_output=True, text=True, check=True, timeout=60).stdout
    return [tuple(int(n) for n in line.split("\t")) for line in text.splitlines()]


def markers(bundle):
    return [frame for (frame,) in tshark(bundle, MARKERS, "frame.number")]


def data_frames(bundle):
    """Frames with bytes that no other frame of the stream carries."""
    directions = collections.defaultdict(list)
    for frame, stream, port, begin, size in tshark(bundle, "tcp.len > 0 && !icmp", "frame.number", "tcp.stream", "tcp.srcport", "tcp.seq", "tcp.len"):
        directions[stream, port].append((begin, begin + size, frame))
    found = []
    for pieces in directions.values():
        for begin, end, frame in pieces:
            for other_begin, other_end, other in sorted(pieces):
                if other != frame and other_begin <= begin < other_end:
                    begin = other_end
            if begin < end:
                found.append(frame)
    return sorted(found)


def without(frame):
    """Cuts one frame out of a capture."""
    return lambda whole, cut: subprocess.run(["editcap", str(whole), str(cut), str(frame)], check=True, capture_output=True, timeout=60)


def first_bytes(count):
    return lambda whole, cut: cut.write_bytes(whole.read_bytes()[:count])


def judge_cut(folder, cases):
    """Judges a copy of each bundle with its capture cut: cases are (bundle, cut); returns their results in order."""
    copies = []
    for number, (bundle, cut) in enumerate(cases):
        copy = folder / str(number)
        copy.mkdir(parents=True)
        for name in JUDGED_FROM:
            os.link(bundle / name, copy / name)
        cut(bundle / "packets.pcapng", copy / "packets.pcapng")
        copies.append(copy)
    report = folder / "report.json"
    badorigin("judge", *copies, "--json", report, "--quiet")
    results = json.loads(report.read_text())["results"]
    shutil.rmtree(folder)
    assert [r["evidence"] for r in results] == [str(copy) for copy in copies]
    return results


def key_of(finding):
    return finding["claim"], finding["subject"]


def what_is_wrong(before, frame, now):
    """A key (claim, subject) may have several findings in the citations; its verdict is one, and rests on all of them."""
    was = collections.defaultdict(set)
    for finding in before["verdicts"]["findings"]:
        was[key_of(finding)].add(finding["outcome"])
    cited = {key_of(f) for f in before["citations"]["findings"] if any(frame in c.get("frames", []) for c in f.get("citations", []))}
    if now["outcome"] == "upheld":
        yield "upheld as a whole"
    still = set()
    for finding in now["verdicts"]["findings"]:
        key, outcome = key_of(finding), finding["outcome"]
        still.add(key)
        if outcome not in ("upheld", "violated"):
            continue
        if key in cited:
            yield f"{key} cited it and is {outcome}"
        elif outcome not in was[key]:
            yield f"{key} turned from {sorted(was[key])} into {outcome}"
    for finding in before["verdicts"]["findings"]:  # what the scenario claims is never silent
        if finding["kind"] in ("expectation", "premise") and key_of(finding) not in still:
            yield f"{key_of(finding)} is gone"


class FrameRemoval(EndToEnd):
    def run_all(self, planted):
        """The whole suite, and with `planted` violated runs too: [(result, bundle)]."""
        _, results = run_suite(self.out / "runs", "--keep-evidence", "always")
        kept = list(results.values())
        self.assertGreaterEqual(sum(r["outcome"] == "upheld" for r in kept), 30)
        if planted:
            for bug, suite in VIOLATED.items():
                _, results = run_suite(self.out / bug, "--keep-evidence", "always", "--plant", bug, paths=(SCENARIOS / suite,))
                violated = [r for r in results.values() if r["outcome"] == "violated"]
                self.assertTrue(violated, bug)
                kept += violated
        return [(r, pathlib.Path(r["evidence"])) for r in kept]

    def test_a_missing_data_frame_never_makes_anything_upheld(self):
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as workers:
            runs = self.run_all(planted=True)
            found = workers.map(lambda run: data_frames(run[1]), runs)
            cases = [(result, bundle, frame) for (result, bundle), numbers in zip(runs, found) for frame in numbers]
            self.assertGreater(len(cases), 1000)
            batches = [cases[start:start + BATCH] for start in range(0, len(cases), BATCH)]

            def judge(numbered):
                number, batch = numbered
                return judge_cut(self.out / f"cut-{number}", [(bundle, without(frame)) for _, bundle, frame in batch])

            wrong = []
            for batch, after in zip(batches, workers.map(judge, enumerate(batches))):
                for (before, bundle, frame), now in zip(batch, after):
                    wrong += [f"{bundle.relative_to(self.out)} without frame {frame}: {what}" for what in what_is_wrong(before, frame, now)]
        self.assertEqual(wrong, [])

    def test_a_missing_marker_or_a_capture_cut_off_leaves_nothing_upheld(self):
        upheld = [run for run in self.run_all(planted=False) if run[0]["outcome"] == "upheld"]
        few = [run for run in upheld if run[1].joinpath("packets.pcapng").stat().st_size < 20_000][:6]
        self.assertEqual(len(few), 6)
        where = random.Random(2)
        cases = []
        for _, bundle in few:
            numbers = markers(bundle)
            self.assertGreater(len(numbers), 3)
            cases += [(bundle, without(frame), f"marker in frame {frame}") for frame in numbers]
        for _, bundle in few[:3]:
            size = bundle.joinpath("packets.pcapng").stat().st_size
            places = [where.randrange(size) | 1 for _ in range(20)]  # odd: inside a block, never behind the last that matters
            cases += [(bundle, first_bytes(at), f"cut at byte {at} of {size}") for at in places]
        after = judge_cut(self.out / "cut", [(bundle, cut) for bundle, cut, _ in cases])
        wrong = []
        for (bundle, _, what), now in zip(cases, after):
            for finding in now.get("verdicts", {}).get("findings", []):
                if finding["outcome"] in ("upheld", "violated"):
                    wrong.append(f"{bundle.name}, {what}: {key_of(finding)} is {finding['outcome']}")
            if now["outcome"] not in ("inconclusive", "error"):
                wrong.append(f"{bundle.name}, {what}: {now['outcome']}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    main()
