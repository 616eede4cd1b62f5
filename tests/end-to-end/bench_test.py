#!/usr/bin/python3
"""bench/compare-proxies in its quick form, of the bundled cache and nginx: what it measures is what it says, and it prints its tables."""
import re
import subprocess
import unittest

from common import BUILD, ROOT, main


class CompareProxies(unittest.TestCase):
    def test_the_quick_form_finds_hits_passes_and_misses_to_be_that_and_prints_figures_of_each(self):
        done = subprocess.run([ROOT / "bench" / "compare-proxies", "--quick", "--only", "bundled"], capture_output=True, text=True, timeout=300,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "BADORIGIN_BUILD": str(BUILD), "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")]
        self.assertEqual([row[0] for row in rows if row[1] == "per second"], ["hits", "passes", "misses"])
        figures = [row[1:] for row in rows if row[0] == "bundled"]
        self.assertEqual([len(row) for row in figures], [7, 7, 7, 4])
        for cell in sum(figures, []):
            self.assertGreater(float(re.match(r"[\d.]+", cell)[0]), 0, figures)


if __name__ == "__main__":
    main()
