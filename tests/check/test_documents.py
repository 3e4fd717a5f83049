"""What people read against what the program does: options, limits, links."""

import re
import subprocess
import unittest
from pathlib import Path

import source

BINARY = source.ROOT / "build/bin/bulkhead"
MAN = source.ROOT / "man/bulkhead.8"
# Written about before they are there; an entry that has come to exist fails the check.
PLANNED: set = set()
OPTION_ROW = re.compile(r'\{"([a-z][a-z0-9-]*)",\s*(?:0|\'.\'),\s*(?:nullptr|"[^"]*"),\s*"([^"]*)"\}')
COMMAND_ROW = re.compile(r'^\s*\{"([a-z]+)", "[^"]*", -?\d+, -?\d+,\s*"([^"]*)"', re.M)


def rows(pattern):
    found = {}
    for path in (source.SRC / "runtime").glob("*.cc"):
        found.update(pattern.findall(path.read_text()))
    return found


class Options(unittest.TestCase):
    def test_tables_are_found(self):
        self.assertGreater(len(rows(OPTION_ROW)), 40)
        self.assertGreater(len(rows(COMMAND_ROW)), 15)

    def test_every_row_says_something(self):
        for name, help_text in {**rows(OPTION_ROW), **rows(COMMAND_ROW)}.items():
            with self.subTest(row=name):
                self.assertGreater(len(help_text), 3)
                self.assertFalse(help_text.endswith("."), "help lines are no sentences")

    def test_help_shows_every_command_and_option(self):
        if not BINARY.exists():
            self.skipTest(f"{BINARY} is not built")

        def run(*words):
            return subprocess.run([BINARY, *words], capture_output=True, text=True, check=False)
        overview = run("--help").stdout
        shown = overview
        for command in rows(COMMAND_ROW):
            self.assertRegex(overview, rf"(?m)^  {command}\b")
            page = run(command, "--help")
            self.assertEqual(page.returncode, 0, command)
            shown += page.stdout
        for option in rows(OPTION_ROW):
            self.assertIn(f"--{option}", shown)

    def test_manual_page_names_every_option(self):
        if not MAN.exists():
            self.skipTest(f"{source.name(MAN)} does not exist yet")
        text = MAN.read_text().replace("\\-", "-")
        for name in rows(OPTION_ROW):
            with self.subTest(option=name):
                self.assertIn(f"--{name}", text)
        for name in rows(COMMAND_ROW):
            with self.subTest(command=name):
                self.assertRegex(text, rf"\b{name}\b")


class OtherPages(unittest.TestCase):
    """The pages of the smaller programs name every option, and every option that they name is one."""

    PAGES = {"bulkheadctl.8": "ctl", "bulkhead-registry.8": "fetch", "bulkhead-guard.8": "guard"}

    def test_options(self):
        for page, folder in self.PAGES.items():
            text = (source.ROOT / "man" / page).read_text().replace("\\-", "-")
            known = {"help"}
            for path in (source.SRC / folder).glob("*.cc"):
                known |= {name for name, _help in OPTION_ROW.findall(path.read_text())}
            self.assertGreater(len(known), 2, page)
            with self.subTest(page=page):
                self.assertEqual(set(re.findall(r"^\.B --([a-z-]+)", text, re.M)), known)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in [*source.ROOT.glob("*.md"), *source.ROOT.glob("docs/**/*.md")]:
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
                if not re.match(r"[a-z]+:", target) and target not in PLANNED:
                    with self.subTest(page=source.name(page), link=target):
                        self.assertTrue((page.parent / target).exists())

    def test_documented_paths_exist(self):
        """`src/...` and `tests/...` in the documents are files or folders of this tree."""
        for page in [*source.ROOT.glob("*.md"), *source.ROOT.glob("docs/**/*.md")]:
            for target in re.findall(r"`((?:src|tests|scripts)/[\w./-]+)`", page.read_text()):
                with self.subTest(page=source.name(page), path=target):
                    if target in PLANNED:
                        continue
                    self.assertTrue((source.ROOT / target).exists())


    def test_plans_are_plans(self):
        self.assertEqual([path for path in PLANNED if (source.ROOT / path).exists()], [])


class Tests(unittest.TestCase):
    def test_every_unit_test_is_built(self):
        folder = Path(__file__).parents[1]
        listed = "".join(path.read_text() for path in (folder / "unit").glob("*.cmake"))
        for path in (folder / "unit").glob("*_test.cc"):
            with self.subTest(file=path.name):
                self.assertIn(path.name, listed)


if __name__ == "__main__":
    unittest.main()
