"""The include graph and the link graph against layers.py."""

import re
import unittest

import source
from layers import LAYERS, LIBRARIES

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
LIBRARY = re.compile(r"bulkhead_library\((\w+)(.*?)\)", re.S)


def includes():
    """(file, its folder, included, whether it is one of ours)"""
    for path in source.files(".h", ".cc"):
        folder = path.relative_to(source.SRC).parts[0]
        for ours, theirs in INCLUDE.findall(path.read_text()):
            yield source.name(path), folder, ours or theirs, bool(ours)


class Layering(unittest.TestCase):
    def test_every_folder_has_a_place(self):
        folders = {path.name for path in source.SRC.iterdir() if path.is_dir()}
        self.assertEqual(folders - set(LAYERS), set(), "write these into tests/check/layers.py")

    def test_no_include_against_the_arrows(self):
        wrong = [f"{file} includes {header}" for file, folder, header, ours in includes()
                 if ours and header.split("/")[0] not in LAYERS[folder] | {folder}]
        self.assertEqual(wrong, [])

    def test_own_headers_exist_and_are_named_from_src(self):
        wrong = [f"{file} includes {header}" for file, _folder, header, ours in includes()
                 if ours and not (source.SRC / header).is_file()]
        self.assertEqual(wrong, [])

    def test_libraries_stay_in_their_folders(self):
        wrong = [f"{file} includes <{header}>" for file, folder, header, ours in includes() if not ours
                 for pattern, allowed in LIBRARIES.items()
                 if re.match(pattern, header) and folder not in allowed]
        self.assertEqual(wrong, [])

    def test_declared_dependencies(self):
        """CMake's DEPS are within the arrows, and name every folder that is included."""
        used = {}
        for _file, folder, header, ours in includes():
            if ours:
                used.setdefault(folder, set()).add(header.split("/")[0])
        for path in source.SRC.glob("*/CMakeLists.txt"):
            for name, body in LIBRARY.findall(path.read_text()):
                words = re.split(r"\s+", body.strip())
                deps, keep = set(), False
                for word in words:
                    if word in ("SOURCES", "DEPS", "LIBS"):
                        keep = word == "DEPS"
                    elif keep:
                        deps.add(word)
                with self.subTest(library=name):
                    self.assertLessEqual(deps, LAYERS[name], "against the arrows")
                    # spec/types.h is a header of values alone: no library is needed for it.
                    self.assertLessEqual(used.get(name, set()) - {name, "spec"}, deps, "not declared")

    def test_arrows_have_no_cycle(self):
        done, open_ = set(), []

        def visit(folder):
            self.assertNotIn(folder, open_, f"cycle: {' -> '.join(open_ + [folder])}")
            if folder in done:
                return
            open_.append(folder)
            for below in LAYERS[folder]:
                visit(below)
            open_.pop()
            done.add(folder)
        for folder in LAYERS:
            visit(folder)


if __name__ == "__main__":
    unittest.main()
