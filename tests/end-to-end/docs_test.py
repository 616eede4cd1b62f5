#!/usr/bin/python3
"""The pages that docs/generate writes are those that the program would write today; what they name exists."""
import subprocess

from common import PROGRAM, ROOT, EndToEnd, columns, main


class Docs(EndToEnd):
    def test_generated_pages_are_current(self):
        subprocess.run([ROOT / "docs/generate", PROGRAM, self.out], check=True)
        written = sorted(page.name for page in self.out.iterdir())
        self.assertEqual(written, ["faults.md", "planted-bugs.md", "rules.md", "vcl.md"])
        for name in written:
            self.assertEqual((ROOT / "docs" / name).read_text(), (self.out / name).read_text(), f"docs/{name} is old: run docs/generate")

    def test_rules_name_planted_bugs_that_exist(self):
        bugs = {line[0] for line in columns("planted-bugs")}
        for rule, _, _, _, named, _ in columns("rules"):
            self.assertEqual(set(filter(None, named.split(","))) - bugs, set(), rule)


if __name__ == "__main__":
    main()
