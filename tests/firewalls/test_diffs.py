"""Diffs of two sets of files."""

from firewalls.configuration.diffs import unified


def test_a_diff_says_what_patch_reads() -> None:
    diffs = unified(
        {"/a": "one\ntwo", "/same": "x\n", "/gone": "y\n"},
        {"/a": "one\nthree\n", "/same": "x\n"},
        "applied",
        "wanted",
    )
    assert list(diffs) == ["/a", "/gone"]
    assert diffs["/a"].splitlines() == [
        "--- /a\tapplied",
        "+++ /a\twanted",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "\\ No newline at end of file",
        "+three",
    ]
    assert diffs["/a"].endswith("\n")
