#!/bin/sh
# The one program that a firewall runs for Shared Networks, beside FRR, nftables and a shell.
#
#   apply            a tar on standard input: check it, save what runs, arm a rollback, write it, load it, verify it
#   confirm TOKEN    from a new connection: the configuration stays
#   show             the owned files that are on the box, as a tar
#   version          a digest of this program
#
# It speaks in lines: "step<TAB>NAME<TAB>running|ok|failed|skipped<TAB>BASE64 OUTPUT", and last "done<TAB>STATE<TAB>TOKEN".
# Whoever sends may die at any moment: hangups are ignored, the run goes on to its end, and without a confirmation in time
# a detached timer puts back what was saved. So the box has the old or the new configuration, not a mixture.
#
# APPLIER_ROOT      the folder that holds the box's files ("" for a real firewall)
# APPLIER_PRACTICE  1: a practice firewall, a folder without a kernel: nothing is loaded
# APPLIER_TIMEOUT   seconds until an unconfirmed configuration is rolled back (60)
# APPLIER_SLOW      seconds every step takes longer, on a practice firewall (0)
set -u
umask 077
PATH=$PATH:/usr/sbin:/sbin:/usr/lib/frr
export PATH LC_ALL=C
trap '' HUP PIPE

ROOT=${APPLIER_ROOT:-}
PRACTICE=${APPLIER_PRACTICE:-}
TIMEOUT=${APPLIER_TIMEOUT:-60}
SLOW=${APPLIER_SLOW:-0}
LOCK_WAIT=${APPLIER_LOCK_WAIT:-60}
STATE=$ROOT/var/lib/shared-networks
OWNED='etc/frr/frr.conf etc/nftables.conf'
NO_KERNEL='A practice firewall is a folder without a kernel, so nothing is loaded here.'

say() { printf '%s\t' "$@"; printf '\n'; }
encoded() { base64 | tr -d '\n'; }

# step NAME COMMAND...: run it and tell how it went. Status 77 means it could not be done here.
step() {
    name=$1; shift
    say step "$name" running ''
    [ -n "$PRACTICE" ] && [ "$SLOW" != 0 ] && sleep "$SLOW"
    "$@" >"$STATE/output.$$" 2>&1 </dev/null
    status=$?
    case $status in 0) result=ok ;; 77) result=skipped ;; *) result=failed ;; esac
    say step "$name" "$result" "$(head -c 8000 "$STATE/output.$$" | encoded)"
    rm -f "$STATE/output.$$"
    [ "$result" != failed ]
}

alive() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }

take_lock() {
    waited=0
    until mkdir "$STATE/lock" 2>/dev/null; do
        holder=$(cat "$STATE/lock/pid" 2>/dev/null)
        if [ -n "$holder" ] && ! alive "$holder"; then
            rm -rf "$STATE/lock"
        elif [ "$waited" -ge "$LOCK_WAIT" ]; then
            echo "Another push has been running on this firewall for $waited seconds. Try again later."
            return 1
        else
            sleep 1; waited=$((waited + 1))
        fi
    done
    echo $$ >"$STATE/lock/pid"
}
drop_lock() { [ "$(cat "$STATE/lock/pid" 2>/dev/null)" = $$ ] && rm -rf "$STATE/lock"; }

# Nothing but the owned files, each a plain file: no links, no other paths.
unpack() {
    mkdir "$STATE/new.$$" || return 1
    tar -tf "$STATE/candidate.$$" >"$STATE/names.$$" || return 1
    while read -r member; do
        case " $OWNED " in *" $member "*) ;; *) echo "Refused: $member is not a file that is managed here."; return 1 ;; esac
    done <"$STATE/names.$$"
    if tar -tvf "$STATE/candidate.$$" | grep -qv '^-'; then echo 'Refused: only plain files are taken.'; return 1; fi
    tar -xf "$STATE/candidate.$$" -C "$STATE/new.$$" || return 1
    for file in $OWNED; do
        [ -f "$STATE/new.$$/$file" ] || { echo "Refused: $file is missing."; return 1; }
    done
    rm -f "$STATE/candidate.$$" "$STATE/names.$$"
}

check_nftables() {
    command -v nft >/dev/null || { echo 'nft is not installed here, so the rule set was not checked.'; return 77; }
    file=$STATE/new.$$/etc/nftables.conf
    if [ -z "$PRACTICE" ]; then nft -c -f "$file"; return; fi
    # In a network namespace of its own: the machine that plays the practice firewall is never touched.
    for flags in -Urn -n; do
        if unshare $flags true 2>/dev/null; then unshare $flags nft -c -f "$file"; return; fi
    done
    echo 'No network namespace can be made here, so the rule set was not checked.'; return 77
}

check_frr() {
    command -v vtysh >/dev/null || { echo 'FRR is not installed here, so frr.conf was not checked.'; return 77; }
    vtysh -C -f "$STATE/new.$$/etc/frr/frr.conf"
}

# What runs now. While an earlier push is unconfirmed, what it saved is still what to go back to.
save() {
    if [ -d "$STATE/pending" ]; then echo 'An unconfirmed push is replaced; its rollback would go back to the same files.'; return 0; fi
    rm -rf "$STATE"/saved.*
    mkdir "$STATE/saved.$$" || return 1
    for file in $OWNED; do
        [ -f "$ROOT/$file" ] || continue
        mkdir -p "$STATE/saved.$$/$(dirname "$file")" && cp -p "$ROOT/$file" "$STATE/saved.$$/$file" || return 1
    done
}

arm_rollback() {
    if [ ! -d "$STATE/pending" ]; then mv "$STATE/saved.$$" "$STATE/pending" || return 1; fi
    echo "$TOKEN" >"$STATE/pending/token.new" && mv "$STATE/pending/token.new" "$STATE/pending/token" || return 1
    detached="nohup"; command -v setsid >/dev/null && detached="setsid nohup"
    $detached "${APPLIER_SHELL:-sh}" "$0" rollback "$TOKEN" "$TIMEOUT" >/dev/null 2>&1 </dev/null &
    echo $! >"$STATE/pending/timer"
    echo "Rolled back by itself in $TIMEOUT seconds unless it is confirmed over a new connection."
}

# install FROM: put the owned files in place, each whole or not at all; a file that FROM lacks is removed.
install_from() {
    for file in $OWNED; do
        target=$ROOT/$file
        if [ ! -f "$1/$file" ]; then rm -f "$target"; continue; fi
        cmp -s "$1/$file" "$target" && continue
        mkdir -p "$(dirname "$target")" && cp "$1/$file" "$target.new" && chmod 640 "$target.new" || return 1
        if [ -z "$PRACTICE" ] && [ "$file" = etc/frr/frr.conf ]; then chown frr:frr "$target.new"; fi
        sync "$target.new" 2>/dev/null || sync
        mv -f "$target.new" "$target" || return 1
    done
}

load_nftables() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    nft -f "$ROOT/etc/nftables.conf"
}

load_frr() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    frr-reload.py --reload --stdout "$ROOT/etc/frr/frr.conf"
}

verify() {
    for file in $OWNED; do
        cmp "$STATE/new.$$/$file" "$ROOT/$file" || return 1
    done
}

unchanged() {
    [ ! -d "$STATE/pending" ] || return 1
    for file in $OWNED; do cmp -s "$STATE/new.$$/$file" "$ROOT/$file" || return 1; done
}

put_back() {
    install_from "$STATE/pending" && load_nftables && load_frr
    rm -rf "$STATE/pending"
}

# A box that went down while a push was unconfirmed has no timer any more: go back now.
recover() {
    [ -d "$STATE/pending" ] || return 0
    alive "$(cat "$STATE/pending/timer" 2>/dev/null)" || put_back >/dev/null 2>&1
}

# What a killed run left; others may be waiting for the lock with theirs.
sweep() {
    for left in "$STATE"/candidate.* "$STATE"/names.* "$STATE"/output.*; do
        [ -e "$left" ] && ! alive "${left##*.}" && rm -f "$left"
    done
    rm -rf "$STATE"/new.*
}

# give_up [STEP SENTENCE]: nothing was changed.
give_up() {
    [ $# -eq 0 ] || say step "$1" failed "$(echo "$2" | encoded)"
    rm -f "$STATE/candidate.$$"
    say 'done' failed ''
    exit 1
}

apply() {
    { mkdir -p "$STATE" && cat >"$STATE/candidate.$$"; } || give_up receive 'The files could not be stored here; is the disk full?'
    TOKEN=$$-$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
    step lock take_lock || give_up
    recover
    sweep
    if step unpack unpack && step check-nftables check_nftables && step check-frr check_frr; then
        if unchanged; then verdict=unchanged; else replace && verdict=applied || verdict=failed; fi
    else
        verdict=failed
    fi
    rm -rf "$STATE"/new.* "$STATE/candidate.$$" "$STATE/names.$$"
    drop_lock
    say 'done' "$verdict" "$TOKEN"
    [ "$verdict" != failed ]
}

replace() {
    step save save && step arm-rollback arm_rollback || return 1
    step write install_from "$STATE/new.$$" && step load-nftables load_nftables && step load-frr load_frr && step verify verify && return 0
    step roll-back put_back
    return 1
}

confirm() {
    take_lock >/dev/null || return 1
    token=$(cat "$STATE/pending/token" 2>/dev/null)
    if [ -n "$1" ] && [ "$token" = "$1" ]; then rm -rf "$STATE/pending"; echo confirmed; else echo "rolled back"; fi
    drop_lock
}

rollback() {
    left=$2
    while [ "$left" -gt 0 ]; do
        sleep 1; left=$((left - 1))
        [ "$(cat "$STATE/pending/token" 2>/dev/null)" = "$1" ] || exit 0
    done
    take_lock || exit 1
    if [ "$(cat "$STATE/pending/token" 2>/dev/null)" = "$1" ]; then put_back; fi
    drop_lock
}

show() {
    present=
    for file in $OWNED; do [ -f "$ROOT/$file" ] && present="$present $file"; done
    # shellcheck disable=SC2086 # a list of known words
    if [ -n "$present" ]; then tar -cf - -C "$ROOT/" $present; fi
}

if [ $# -eq 0 ]; then
    # As the forced command of an SSH key: the words are the client's, and only those below are known.
    set -f
    # shellcheck disable=SC2086 # split into words on purpose
    set -- ${SSH_ORIGINAL_COMMAND:-}
    set +f
fi
case ${1:-} in
    apply) apply ;;
    confirm) confirm "${2:-}" ;;
    rollback) rollback "$2" "$3" ;;
    show) show ;;
    version) cksum <"$0" ;;
    *) echo "This account runs the applier only: apply, confirm, show or version." >&2; exit 64 ;;
esac
