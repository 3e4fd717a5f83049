"""The runner's own judgement: what counts as a pass, and that a list is held against the results."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import expected  # noqa: E402
import tap  # noqa: E402


def verdict(stdout, status=0, timed_out=False, name="x", stderr=""):
    return tap.judge(name, stdout, stderr, status, timed_out).verdict


def test_points_decide():
    assert verdict("TAP version 13\nok 1 - a\nok 2 - b\n1..2\n") == "pass"
    outcome = tap.judge("x", "ok 1 - a\nnot ok 2 - b is set\n1..2\n", "", 0, False)
    assert (outcome.verdict, outcome.failed) == ("fail", ["b is set"])


def test_a_nested_not_ok_in_a_diagnostic_is_not_a_point():
    assert verdict("  ---\n  stdout: |\n    not ok 1 - inner\n  ...\nok 1 - outer\n1..1\n") == "pass"


def test_status_timeout_and_missing_points_fail():
    assert verdict("ok 1 - a\n1..1\n", status=1) == "fail"
    assert verdict("ok 1 - a\n1..1\n", timed_out=True) == "fail"
    assert verdict("ok 1 - a\n1..2\n") == "fail"
    assert verdict("") == "fail"


def test_a_diagnostic_without_point_fails():
    assert verdict('  ---\n  error: "hook was not called"\n  ...\n1..0\n') == "fail"
    assert verdict("TAP version 13\n1..0\n") == "pass"


def test_silence_passes_only_for_programs_that_expect_create_to_fail():
    assert verdict("", name="process_rlimits_fail") == "pass"
    assert verdict("", status=1, name="process_rlimits_fail") == "fail"


def test_skip_and_todo():
    assert verdict("ok 1 # SKIP no SELinux\n1..1\n") == "skip"
    assert verdict("not ok 1 - later # TODO\nok 2 - a\n1..2\n") == "pass"


def entries(*rows):
    return {row[0]: expected.Entry(*row) for row in rows}


def test_surprises():
    listed = entries(("a", "suite", "", "why"), ("r", "suite", "race", "why"), ("h", "host", "no:/proc/self", "why"))
    assert expected.surprises({"a": "fail", "r": "pass", "h": "pass", "n": "pass"}, listed) == []
    lines = expected.surprises({"a": "pass", "r": "fail", "h": "fail", "n": "fail"}, listed)
    assert [line.split()[0] for line in lines] == ["a", "h", "n"]
    assert "no program" in expected.surprises({}, entries(("gone", "host", "", "why")))[0]


def test_the_committed_list_is_well_formed(tmp_path):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.txt")
    for entry in expected.load(path).values():
        expected.applies(entry.when)
    broken = tmp_path / "list"
    broken.write_text("a | suite | because\n")
    with pytest.raises(ValueError, match="list:1"):
        expected.load(broken)
