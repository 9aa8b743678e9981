"""Every row of docs/*-differences.md names a test that exists, and so does what is named between the
tables, so that the pages cannot rot.

The last column of a table whose heading is `test` may hold:
  `netstack_teardown.Damage.test_the_bridge_is_gone`  a class, or one test of it, of an integration file
  `test_the_bridge_is_gone`, `Damage`                 the same without its place; "teardown: " may go before
  `bench/setup`                                       a file or directory of the tree
  unit "the sentence of a TEST_CASE"
  planned                                             what is not there yet
"""

import ast
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*-differences.md"))


class IntegrationFile:
    """The test classes of one file, with what they inherit inside it."""

    def __init__(self, path):
        self.classes = {}
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                inherited = set().union(*(self.classes.get(base, set()) for base in bases))
                self.classes[node.name] = {name for name in own | inherited if name.startswith("test_")}

    def has(self, name):
        return name in self.classes or any(name in tests for tests in self.classes.values())


def integration_files():
    paths = (ROOT / "tests" / "integration").glob("test_*.py")
    return {path.stem[len("test_") :]: IntegrationFile(path) for path in paths}


def unit_tests():
    """The names of all unit tests; a long one is written as several literals."""
    names = set()
    for path in (ROOT / "tests" / "unit").rglob("*.cpp"):
        for literals in re.findall(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', path.read_text()):
            names.add("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)))
    return names


class Known:
    def __init__(self):
        self.files = integration_files()
        self.units = unit_tests()

    def has(self, name):
        """What stands between backticks."""
        if "/" in name:
            return (ROOT / name).exists()
        if name.endswith(".py"):
            return name[len("test_") : -len(".py")] in self.files
        first, *rest = name.split(".")
        if first not in self.files or not rest:
            return not rest and any(file.has(first) for file in self.files.values())
        tests = self.files[first].classes.get(rest[0])
        return tests is not None and (len(rest) == 1 or (len(rest) == 2 and rest[1] in tests))


def rows(text):
    """(line number, cells) of the body of every table whose last column is called `test`."""
    in_table = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("|"):
            in_table = False
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if not in_table:
            in_table = cells[-1] == "test"
        elif not re.fullmatch("[-: ]+", cells[-1]):
            yield number, cells


def faults(text, known):
    """What is wrong with a page, as sentences."""
    for number, cells in rows(text):
        cell = cells[-1]
        named = re.findall(r"`([^`]+)`", cell)
        quoted = re.findall(r'"([^"]+)"', re.sub(r"`[^`]+`", "", cell))
        for name in named:
            if not known.has(name):
                yield f"line {number}: there is no test `{name}`"
        for sentence in quoted:
            if sentence not in known.units:
                yield f'line {number}: there is no unit test "{sentence}"'
        if not named and not quoted and cell != "planned":
            yield f"line {number}: names no test: {cell!r}"
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("|"):
            continue
        for name in re.findall(r"`([a-z_]+\.[A-Z]\w*(?:\.test_\w+)?)`", line):
            if not known.has(name):
                yield f"line {number}: there is no test `{name}`"


class Differences(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.known = Known()

    def test_every_row_names_tests_that_exist(self):
        self.assertNotEqual(PAGES, [])
        for page in PAGES:
            text = page.read_text()
            self.assertGreater(len(list(rows(text))), 20, page.name)
            self.assertEqual(list(faults(text, self.known)), [], page.name)

    def test_what_does_not_exist_is_found(self):
        table = "| a | test |\n|---|---|\n| x | {} |\n"
        for cell in ("", "tcp: all", "`no_file.No.test_no`", "`netstack_teardown.Damage.test_no`", "`netstack_teardown.No`",
                     "`test_no`", "`netstack_teardown`", 'unit "no sentence"', "`bench/none`", "planned?"):  # fmt: skip
            self.assertEqual(len(list(faults(table.format(cell), self.known))), 1, cell)
        self.assertEqual(len(list(faults("See `netstack_teardown.No.test_no`.\n", self.known))), 1)
        for cell in ("planned", "`netstack_teardown.Damage.test_the_bridge_is_gone`", "`bench/setup`", "teardown: `Damage`",
                     'unit "whichever step fails, the host is as before"', "`test_netstack_teardown.py`"):  # fmt: skip
            self.assertEqual(list(faults(table.format(cell), self.known)), [], cell)


if __name__ == "__main__":
    unittest.main()
