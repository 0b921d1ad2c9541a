"""Benchmarks: how fast the product is. Their figures are for comparing; no test asserts them.

    make bench                                  all; as root with sshd, nft and vtysh pushes too
    make bench BENCH=allocate                   one of render, allocate, carve, reconcile,
                                               second-family, import, reach, poll
    make bench BENCH=allocate AGAINST=FOLDER    in turns with another checkout, ROUNDS=3 times
    make bench-pushes                           pushes alone, as root

render      plans and renders the configurations of 10 to 2,000 firewalls      (rendering.py)
allocate    allocates addresses over HTTP, beside bare INSERTs of the same     (allocating.py)
carve       makes networks over HTTP, beside bare INSERTs of the same          (carving.py)
reconcile   reconciles 2,000 firewalls, of which none, 20 and all changed      (reconciling.py)
second-family  gives a network of 1,000 machines its second address family     (reconciling.py)
import      imports a dump of 2,000 machines, the first time and again         (importing.py)
reach       asks who reaches whom in the large demo                            (asking.py)
poll        polls the page of a rollout over HTTP while its pushes go on       (polling.py)
pushes      pushes to 200 firewalls, beside ansible-core and nornir            (pushes/)

All but pushes are listed in tables.py and leave their last figures in `bench.json` in VAR. They
run on a database of their own, which is dropped afterwards; those over HTTP on the real web server
(serving.py).
"""
