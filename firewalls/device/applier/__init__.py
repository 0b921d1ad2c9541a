"""The one program that a firewall runs for Shared Networks, beside FRR and nftables.

    apply [DIGEST [ADOPTED…]]
                     a tar on standard input: check it, save what runs, arm a rollback, write it,
                     load it, verify it. Refused if this program is not the one with this SHA-256,
                     and while units of somebody else set up devices of it, unless their digests are
                     those that were adopted
    confirm TOKEN    from a new connection: the configuration stays. May be asked again; it answers
                     how that run ended: confirmed, rolled back, failed (nothing was changed), or
                     unknown
    show             the managed files that are on the box, and what ran when they were applied and
                     what runs now, in lines
    check            whether all is here that `install` and a push need, in lines; changes nothing
    survey           what is on the box beside that, for whoever is to decide on the first push
    give-back [DIGEST]
                     apply what was here before the first push that was confirmed
    version          the SHA-256 of the file that this program was installed from, and the protocol
                     that it speaks
    recover          at boot: put back what was never confirmed (not over SSH)
    install [KEY]    as root, once, and again to update: this program, a user whose KEY runs nothing
                     else, the recovery at boot, and what a firewall must start by itself. Another
                     KEY is let in beside the one that is there
    retire KEY       as root: that key is let in no more (not over SSH, nor is install)

It speaks in lines: "begin<TAB>TOKEN<TAB>SECONDS UNTIL ROLLBACK",
"step<TAB>NAME<TAB>running|ok|failed|skipped<TAB>BASE64 OUTPUT", and last
"done<TAB>applied|unchanged|failed|rolled-back|unknown<TAB>TOKEN".
Whoever sends may die at any moment: hangups are ignored and the run goes on to its end. If this
program itself is killed, or nobody confirms in time, a detached timer puts back what ran before.
So the box has the old or the new configuration.

It needs Python 3.9 and its standard library, and knows nothing else of the product. Most of what
it costs a box is the start of an interpreter (7 ms), so modules are imported where they are needed:
`re` would cost 6 ms at every start, `json` 8, `signal` 4, `subprocess` 14 and `tarfile` 15.
"""
