"""A04, A08, A24: mount targets in a volume that another container exchanges meanwhile. Judged on the
host: nothing outside of the container's root may come to be, and no start may end up elsewhere."""

import os
import subprocess
import unittest
from pathlib import Path

import support
from bundles import Bundle

ROUNDS = int(os.environ.get("ESCAPE_RACE_ROUNDS", "500"))


def mount_points():
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


class Races(unittest.TestCase):
    def race(self, link_target, rounds):
        """`rounds` creations with a target below shared/dir, which is a directory or a link."""
        with Bundle() as bundle:
            shared, data = bundle.path / "shared", bundle.path / "data"
            (shared / "dir").mkdir(parents=True)
            (shared / "link").symlink_to(link_target.format(outside=bundle.outside))
            data.mkdir()
            (data / "payload").write_text("payload")
            bundle.bind(shared, "/vol")
            bundle.bind(data, "/vol/dir/made/here")
            bundle.bind(data / "payload", "/vol/dir/file")
            bundle.config["mounts"].append({"destination": "/vol/dir/tmpfs", "type": "tmpfs", "source": "tmpfs"})
            bundle.config["process"]["cwd"] = "/vol/dir/work"
            bundle.config["linux"]["maskedPaths"].append("/vol/dir/masked")
            bundle.command("cat", "/proc/self/mountinfo")
            bundle.save()
            before = mount_points()
            with subprocess.Popen([support.PROGRAMS / "swapper", shared, "dir", "link"], stdout=subprocess.PIPE) as swapper:
                swapper.stdout.readline()
                outcomes = {}
                try:
                    for _ in range(rounds):
                        done = bundle.runtime("run", "--bundle", bundle.path, bundle.id)
                        outcomes[done.returncode] = outcomes.get(done.returncode, 0) + 1
                        self.assertGreaterEqual(done.returncode, 0, "died by a signal")
                        if done.returncode == 0:
                            points = [line.split()[4] for line in done.stdout.splitlines()]
                            self.assertTrue(any(point.endswith("/made/here") for point in points))
                        else:
                            self.assertNotIn("already exists", done.stderr)
                finally:
                    (shared / "stop").touch()
                    swapper.wait(10)
            self.assertTrue(bundle.outside_is_untouched(), os.listdir(bundle.outside))
            for point in mount_points() - before:
                self.assertNotIn(str(bundle.path), point)
            self.assertGreater(outcomes.get(0, 0), 0, f"no start succeeded: {outcomes}, {done.stderr}")
            return outcomes

    def test_A04_A08_link_to_an_absolute_path_of_the_host(self):
        self.race("{outside}", ROUNDS // 2)

    def test_A04_A08_link_to_the_root(self):
        self.race("/", ROUNDS // 4)

    def test_A04_A08_link_out_by_dots(self):
        self.race("../../../../../../../../{outside}", ROUNDS // 4)


if __name__ == "__main__":
    unittest.main()
