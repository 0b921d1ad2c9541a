"""The table that forwards nothing from boot on: nothing but all of the rules takes it away."""

import subprocess
from pathlib import Path

from firewalls.configuration.plan import plan
from firewalls.configuration.render import render
from tests.conftest import needs
from tests.firewalls.situations import SITUATIONS

# Every beginning of the rules that ends with a line, and then the whole of them.
SCRIPT = """
is_closed() { nft list table inet closed >/dev/null 2>&1; }
nft -f closed && is_closed || echo not closed at boot
lines=$(wc -l <rules) cut=0
while [ $cut -lt $lines ]; do
    head -n $cut rules >beginning
    ! nft -f beginning 2>/dev/null || loaded=$((loaded + 1))
    is_closed || { echo opened by $cut lines; break; }
    cut=$((cut + 1))
done
[ "$loaded" -gt 5 ] || echo nft took hardly any
nft -f rules
! is_closed || echo closed for ever
nft -f closed && is_closed || echo not closed again
"""


def test_rules_that_were_cut_short_open_nothing_and_the_whole_of_them_does(tmp_path: Path) -> None:
    needs("nft", "unshare")
    files = render(plan(SITUATIONS["dual-stack"]))
    (tmp_path / "rules").write_text(files["/etc/nftables.conf"])
    (tmp_path / "closed").write_text(files["/etc/shared-networks/closed.nft"])
    command = ["unshare", "-Urn", "sh", "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
