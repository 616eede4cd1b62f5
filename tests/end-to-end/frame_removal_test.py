#!/usr/bin/python3
"""No evidence, no verdict: with any one data frame taken out of a capture nothing turns into upheld, and what cited the frame is inconclusive."""
import json
import pathlib
import shutil
import subprocess

from common import EndToEnd, badorigin, main, run_suite

BATCH = 100


def data_frames(bundle):
    text = subprocess.run(["tshark", "-r", str(bundle / "packets.pcapng"), "-Y", "tcp.len > 0 && !tcp.analysis.retransmission", "-T", "fields", "-e", "frame.number"],
                          capture_output=True, text=True, check=True, timeout=60).stdout
    return [int(n) for n in text.split()]


def by_subject(findings):
    return {(f["claim"], f["subject"]): f for f in findings}


class FrameRemoval(EndToEnd):
    def test_a_missing_data_frame_never_makes_anything_upheld(self):
        _, results = run_suite(self.out / "runs", "--keep-evidence", "always")
        cases = []
        for result in results.values():
            bundle = pathlib.Path(result["evidence"])
            cases += [(result, bundle, frame) for frame in data_frames(bundle)]
        self.assertGreater(len(cases), 500)
        wrong = []
        for start in range(0, len(cases), BATCH):
            batch = cases[start:start + BATCH]
            folders = []
            for number, (_, bundle, frame) in enumerate(batch):
                cut = self.out / "cut" / str(number)
                shutil.copytree(bundle, cut, ignore=shutil.ignore_patterns("proxy", "packets.pcapng"))
                subprocess.run(["editcap", str(bundle / "packets.pcapng"), str(cut / "packets.pcapng"), str(frame)], check=True, capture_output=True, timeout=60)
                folders.append(cut)
            report = self.out / "cut.json"
            badorigin("judge", *folders, "--json", report, "--quiet")
            after = json.loads(report.read_text())["results"]
            self.assertEqual(len(after), len(batch))
            for (before, _, frame), now in zip(batch, after):
                where = f"{before['scenario']} without frame {frame}"
                if now["outcome"] == "upheld":
                    wrong.append(f"{where}: upheld")
                first = by_subject(before["verdicts"]["findings"])
                cited = {(c["claim"], c["subject"]) for c in before["citations"]["findings"] if any(frame in x.get("frames", []) for x in c.get("citations", []))}
                for key, finding in by_subject(now["verdicts"]["findings"]).items():
                    was = first.get(key, {}).get("outcome")
                    if finding["outcome"] == "upheld" and was != "upheld":
                        wrong.append(f"{where}: {key} turned from {was} into upheld")
                    if key in cited and finding["outcome"] != "inconclusive":
                        wrong.append(f"{where}: {key} cited it and is {finding['outcome']}")
            shutil.rmtree(self.out / "cut")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    main()
