"""Diffs of two sets of files."""

from firewalls.configuration.diffs import made_anew, unified


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


def test_an_interface_is_made_anew_where_the_way_it_is_made_changes() -> None:
    before = {
        "/etc/systemd/network/30-sn-vni4.netdev": "[NetDev]\nName=vni4\nMTUBytes=9000\n",
        "/etc/systemd/network/30-sn-vni5.netdev": "[NetDev]\nName=vni5\nMTUBytes=9000\n",
        "/etc/systemd/network/30-sn-vni5.network": "[Match]\nName=vni5\n",
        "/etc/systemd/network/30-sn-vni6.netdev": "[NetDev]\nName=vni6\n",
    }
    after = {
        path: text.replace("vni4\nMTUBytes=9000", "vni4\nMTUBytes=1450") + "# another line\n"
        if "vni4" in path or path.endswith(".network")
        else text
        for path, text in before.items()
        if "vni6" not in path
    }
    after["/etc/systemd/network/30-sn-vni7.netdev"] = "[NetDev]\nName=vni7\n"
    assert made_anew(before, after) == ["vni4"]
    assert made_anew(before, before) == made_anew({}, after) == []
