"""How fast pushes are, beside the same files and commands by ansible-core and nornir.

    make bench-pushes                            as root; installs the other tools in VAR
    python -m tests.bench.pushes FOLDER          the same, with what the environment says:

BENCH_FIREWALLS           how many firewalls (200)
BENCH_AT_ONCE             to how many of them each sender pushes at a time (16)
BENCH_ROLLBACK_SECONDS    how long a firewall waits for the confirmation (120)
BENCH_VENV                a virtual environment with ansible-core, nornir and paramiko; without one,
                          only this product is measured
BENCH_BARE=0              leaves out the other tools' bare copies, which give no guarantees

Every firewall is a folder behind OpenSSH's sshd on loopback, with real checks by nft and vtysh.
This product saves, arms a rollback, verifies, and confirms over a second connection; the others do
so too, and once more without (other_tools.py). "Changed": each sender pushes a configuration that
no firewall has. "Unchanged": the same again. Of the others the start is counted too, for they start
anew for every run: 0.3 s of CPU time for nornir. slow_boxes.py measures firewalls that take
seconds.
"""
