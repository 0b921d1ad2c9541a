#!/bin/sh
# The one program that a firewall runs for Shared Networks, beside FRR, nftables and a shell.
#
#   apply            a tar on standard input: check it, save what runs, arm a rollback, write it, load it, verify it
#   confirm TOKEN    from a new connection: the configuration stays. May be asked again; it answers how that run ended:
#                    confirmed, rolled back, failed (nothing was changed), or unknown
#   show             the owned files that are on the box, and what ran when they were applied and runs now, in lines
#   version          a checksum of this program
#   recover          at boot: put back what was never confirmed (not over SSH)
#
# It speaks in lines: "begin<TAB>TOKEN<TAB>SECONDS UNTIL ROLLBACK", "step<TAB>NAME<TAB>running|ok|failed|skipped<TAB>BASE64 OUTPUT",
# and last "done<TAB>applied|unchanged|failed|rolled-back<TAB>TOKEN".
# Whoever sends may die at any moment: hangups are ignored and the run goes on to its end. If this program itself is killed,
# or nobody confirms in time, a detached timer puts back what ran before. So the box has the old or the new configuration.
#
# APPLIER_ROOT       the folder that holds the box's files ("" for a real firewall)
# APPLIER_PRACTICE   1: a practice firewall, a folder without a kernel: nothing is loaded
# APPLIER_TIMEOUT    seconds until an unconfirmed configuration is rolled back, counted from the end of applying (60)
# APPLIER_LOCK_WAIT  seconds to wait for another run (60)
# APPLIER_SLOW       seconds every step takes longer, on a practice firewall (0)
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
PENDING=$STATE/pending
NEW=$STATE/new.$$
REQUIRED='etc/frr/frr.conf etc/nftables.conf'
OPTIONAL='etc/hostname etc/sysctl.d/90-shared-networks.conf
    etc/systemd/resolved.conf.d/shared-networks.conf etc/systemd/timesyncd.conf.d/shared-networks.conf'
UNITS=etc/systemd/network
LARGEST=4000000
NO_KERNEL='A practice firewall is a folder without a kernel, so nothing is loaded here.'

say() { printf '%s\t' "$@"; printf '\n'; }
encoded() { head -c 8000 | base64 | tr -d '\n'; }
installed() { command -v "$1" >/dev/null; }

# bounded SECONDS COMMAND...: a tool that hangs must not keep the box half way.
bounded() { if installed timeout; then timeout "$@"; else shift; "$@"; fi; }

# managed FILE: whether it is one that is managed here. Units of others, such as the management interface's, have other names.
managed() {
    for known in $REQUIRED $OPTIONAL; do [ "$1" != "$known" ] || return 0; done
    case ${1#"$UNITS"/} in
        "$1" | *[!A-Za-z0-9.-]*) return 1 ;;
        [0-9][0-9]-sn-*.netdev | [0-9][0-9]-sn-*.network) return 0 ;;
    esac
    return 1
}

# owned FOLDER [FOLDER]: the managed files in these folders, each once.
owned() {
    for file in $REQUIRED $OPTIONAL; do if [ -f "$1/$file" ] || [ -f "${2:-$1}/$file" ]; then echo "$file"; fi; done
    for path in "$1/$UNITS"/* ${2:+"$2/$UNITS"/*}; do
        file=$UNITS/${path##*/}
        if [ ! -f "$path" ] || ! managed "$file"; then continue; fi
        if [ "$path" = "$1/$file" ] || [ ! -f "$1/$file" ]; then echo "$file"; fi
    done
}

# On a practice firewall a missing tool costs a check; on a real one nothing could be loaded without it.
missing() {
    echo "$1"
    [ -z "$PRACTICE" ] || return 77
    return 1
}

# step NAME COMMAND...: run it and tell how it went. Status 77 means it could not be done here.
step() {
    name=$1; shift
    say step "$name" running ''
    if [ -n "$PRACTICE" ] && [ "$SLOW" != 0 ]; then sleep "$SLOW" 9>&-; fi
    output=$("$@" 2>&1 </dev/null)
    case $? in 0) result=ok ;; 77) result=skipped ;; *) result=failed ;; esac
    say step "$name" "$result" "$(printf '%s' "$output" | encoded)"
    [ "$result" != failed ]
}

# hold FILE DESCRIPTOR: take the lock on FILE, open as DESCRIPTOR, or fail at once. The kernel lets go of it when its holder dies.
hold() {
    if installed flock; then flock -n "$2"; return; fi
    # macOS, where only practice firewalls live, has no flock: the holder's process id, put in place in one move.
    holder=$(cat "$1.pid" 2>/dev/null)
    if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then [ "$holder" = $$ ]; return; fi
    rm -f "$1.pid"
    echo $$ >"$1.$$" && ln "$1.$$" "$1.pid" 2>/dev/null
    held=$?
    rm -f "$1.$$"
    return $held
}

# A failed redirection of exec would end the shell, so the file is made by a plain command before.
open_lock() { true >>"$STATE/busy" && exec 9>>"$STATE/busy"; }

take_lock() {
    waited=0
    until hold "$STATE/busy" 9; do
        if [ "$waited" -ge "$LOCK_WAIT" ]; then
            echo "Another push has been running on this firewall for $waited seconds. Try again later."
            return 1
        fi
        sleep 1 9>&-; waited=$((waited + 1))
    done
}

drop_lock() { exec 9>&-; if [ "$(cat "$STATE/busy.pid" 2>/dev/null)" = $$ ]; then rm -f "$STATE/busy.pid"; fi; }

# What became of the last run: TOKEN, then confirmed, rolled back or failed.
note() { echo "$1 $2" >"$STATE/last.$$" && flush "$STATE/last.$$" && mv -f "$STATE/last.$$" "$STATE/last"; }
verdict_of() { if read -r run verdict <"$STATE/last" && [ "$run" = "$1" ]; then echo "$verdict"; else echo unknown; fi 2>/dev/null; }
unconfirmed() { cat "$PENDING/token" 2>/dev/null; }
flush() { sync "$1" 2>/dev/null || sync; }

# Nothing but the owned files, each once and plain. The archive is never unpacked as such: it cannot choose where its bytes go.
unpack() {
    candidate=$STATE/candidate.$$
    if [ "$(wc -c <"$candidate")" -gt "$LARGEST" ]; then echo "Refused: more than $LARGEST bytes were sent."; return 1; fi
    problem=$(tar -tf "$candidate" 2>&1 >/dev/null)
    if [ -n "$problem" ]; then echo "Refused: this is no plain whole archive: $problem"; return 1; fi
    listing=$(tar -tf "$candidate") || return 1
    tar -tvf "$candidate" | grep -v '^-.*[0-9] [^ ]*$' >&2 && { echo 'Refused: only plain files are taken.'; return 1; }
    for member in $listing; do
        managed "$member" || { echo "Refused: $member is not a file that is managed here."; return 1; }
    done
    for file in $REQUIRED $listing; do
        [ "$(echo "$listing" | grep -cxF "$file")" = 1 ] || { echo "Refused: $file must be there, once."; return 1; }
        { mkdir -p "$NEW/${file%/*}" && tar -xOf "$candidate" "$file" >"$NEW/$file"; } || { echo "Refused: $file is not whole."; return 1; }
    done
}

check_nftables() {
    installed nft || { missing 'nft is not installed here, so the rule set was not checked.'; return; }
    file=$NEW/etc/nftables.conf
    if [ -z "$PRACTICE" ]; then bounded 60 nft -c -f "$file"; return; fi
    # In a network namespace of its own: the machine that plays the practice firewall is never touched.
    for flags in -Urn -n; do
        if unshare $flags true 2>/dev/null; then bounded 60 unshare $flags nft -c -f "$file"; return; fi
    done
    missing 'No network namespace can be made here, so the rule set was not checked.'
}

check_frr() {
    installed vtysh || { missing 'FRR is not installed here, so frr.conf was not checked.'; return; }
    said=$(bounded 60 vtysh -C -f "$NEW/etc/frr/frr.conf" 2>&1) || { echo "$said"; return 1; }
    case $said in *': % '*) echo "$said"; return 1 ;; esac # vtysh ends well if only the last line is known
    [ -z "$PRACTICE" ] || return 0
    installed frr-reload.py || { missing 'frr-reload.py is not installed here; it comes with the package frr-pythontools.'; return; }
    daemons_run || return 1
    bounded 120 frr-reload.py --test --stdout "$NEW/etc/frr/frr.conf"
}

# frr-reload.py ends well even if nobody is there to take the lines.
daemons_run() {
    up=$(bounded 60 vtysh -c 'show daemons')
    for daemon in zebra bgpd; do
        case " $up " in *" $daemon "*) ;; *) echo "$daemon is not running here, so FRR would not take its configuration."; return 1 ;; esac
    done
}

# What the kernel and FRR have now, whatever the files say.
running_rules() { echo 'flush ruleset'; bounded 60 nft -s list ruleset; }
running_frr() { bounded 60 vtysh -c 'show running-config no-header'; }
fingerprint() { if [ -z "$PRACTICE" ]; then { running_rules; running_frr; } | cksum; fi; }

copy_owned() {
    for file in $(owned "$1"); do
        mkdir -p "$2/${file%/*}" && cp -p "$1/$file" "$2/$file" || return 1
    done
}

# While an earlier push is unconfirmed, what it saved is still what to go back to.
save() {
    if [ -d "$PENDING" ]; then echo 'An unconfirmed push is replaced; its rollback would go back to the same files.'; return 0; fi
    rm -rf "$STATE"/saved.*
    mkdir "$STATE/saved.$$" || return 1
    copy_owned "$ROOT" "$STATE/saved.$$" || return 1
    if [ -z "$PRACTICE" ]; then
        running_rules >"$STATE/saved.$$/rules" && running_frr >"$STATE/saved.$$/running.conf" || return 1
    fi
    find "$STATE/saved.$$" -type f | while read -r file; do flush "$file"; done
}

# The timer inherits its own lock, locked: whether it lives can be asked without trusting process ids.
arm_rollback() {
    if [ ! -d "$PENDING" ]; then mv "$STATE/saved.$$" "$PENDING" || return 1; fi
    rm -f "$PENDING/applied"
    echo "$TOKEN" >"$PENDING/token.new" && true >"$PENDING/timer.$TOKEN" && mv "$PENDING/token.new" "$PENDING/token" || return 1
    exec 8>>"$PENDING/timer.$TOKEN"
    if installed flock; then flock -n 8; fi
    detached=; if installed setsid; then detached=setsid; fi
    APPLIER_INSIDE=1 $detached "${APPLIER_SHELL:-sh}" "$0" rollback "$TOKEN" "$TIMEOUT" >/dev/null 2>&1 </dev/null 9>&- &
    exec 8>&-
    echo "Rolled back by itself in $TIMEOUT seconds unless it is confirmed over a new connection."
}

# install_from FOLDER: put the owned files in place. All are on the disk before the first is moved; one that FOLDER lacks is removed.
install_from() {
    for file in $(owned "$1" "$ROOT"); do
        target=$ROOT/$file
        [ ! -e "$target.new" ] || rm -f "$target.new" || return 1
        if [ ! -f "$1/$file" ] || cmp -s "$1/$file" "$target"; then continue; fi
        case $file in etc/frr/* | etc/nftables.conf) mode=640 ;; *) mode=644 ;; esac # networkd is no root
        mkdir -p "${target%/*}" && cp "$1/$file" "$target.new" && chmod "$mode" "$target.new" && flush "$target.new" || return 1
        if [ -z "$PRACTICE" ] && [ "$file" = etc/frr/frr.conf ]; then chown frr:frr "$target.new" || return 1; fi
    done
    for file in $(owned "$1" "$ROOT"); do
        target=$ROOT/$file
        if [ ! -f "$1/$file" ]; then [ ! -e "$target" ] || rm -f "$target"; continue; fi
        [ ! -e "$target.new" ] || mv -f "$target.new" "$target" || return 1
        flush "${target%/*}"
    done
}

# The names of the devices that the units in a folder describe.
devices() { for file in "$1/$UNITS"/[0-9][0-9]-sn-*.netdev; do [ ! -f "$file" ] || sed -n 's/^Name=//p' "$file"; done; }

# load_system: names, kernel settings and interfaces, where they are others than before. Interfaces whose units are gone go too.
load_system() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    changed=
    for file in $(owned "$ROOT" "$1"); do
        case " $REQUIRED " in *" $file "*) continue ;; esac
        cmp -s "$ROOT/$file" "$1/$file" || changed="$changed $file"
    done
    if [ -z "$changed" ]; then echo 'Names, kernel settings and interfaces stay as they are.'; return 77; fi
    [ ! -f "$ROOT/etc/hostname" ] || hostname -F "$ROOT/etc/hostname" || return 1
    [ ! -f "$ROOT/etc/sysctl.d/90-shared-networks.conf" ] || bounded 60 sysctl -q -p "$ROOT/etc/sysctl.d/90-shared-networks.conf" || return 1
    for device in $(devices "$1"); do
        devices "$ROOT" | grep -qxF "$device" || ip link delete "$device" 2>/dev/null
    done
    bounded 60 networkctl reload || return 1
    bounded 60 systemctl try-restart systemd-resolved systemd-timesyncd
}

load_nftables() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    bounded 60 nft -f "$ROOT/etc/nftables.conf"
}

load_frr() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    bounded 120 frr-reload.py --reload --stdout "$ROOT/etc/frr/frr.conf"
}

verify() {
    for file in $(owned "$NEW" "$ROOT"); do
        cmp "$NEW/$file" "$ROOT/$file" || return 1
    done
    if [ -z "$PRACTICE" ]; then daemons_run || return 1; fi
    fingerprint >"$STATE/fingerprint" && touch "$PENDING/applied"
}

# The same files, and on a real box the same rules and routing as when they were last applied.
unchanged() {
    [ ! -d "$PENDING" ] || return 1
    for file in $(owned "$NEW" "$ROOT"); do cmp -s "$NEW/$file" "$ROOT/$file" || return 1; done
    [ -n "$PRACTICE" ] || [ "$(fingerprint)" = "$(cat "$STATE/fingerprint" 2>/dev/null)" ]
}

# Back to what was saved: the files, the rules, the routing. What was saved is kept until that has been done.
put_back() {
    token=$(unconfirmed)
    if [ -z "$token" ] || [ "$(verdict_of "$token")" != confirmed ]; then
        if [ ! -d "$PENDING/undone" ]; then
            rm -rf "$PENDING/undone.new" && mkdir "$PENDING/undone.new" && copy_owned "$ROOT" "$PENDING/undone.new" &&
                mv "$PENDING/undone.new" "$PENDING/undone" || return 1
        fi
        install_from "$PENDING" || return 1
        if [ -z "$PRACTICE" ]; then
            load_system "$PENDING/undone" >/dev/null || [ $? = 77 ] || return 1
            bounded 60 nft -f "$PENDING/rules" || return 1
            bounded 120 frr-reload.py --reload --stdout "$PENDING/running.conf" || return 1
        fi
        [ -z "$token" ] || note "$token" 'rolled back' || return 1
    fi
    rm -rf "$PENDING"
}

# A box that went down while a push was unconfirmed has no timer any more: go back now.
recover() {
    [ -d "$PENDING" ] || return 0
    timer=$PENDING/timer.$(unconfirmed)
    if { true >>"$timer"; } 2>/dev/null; then ( exec 8>>"$timer"; hold "$timer" 8 ) || return 0; fi
    put_back
}

# What a killed run left; others may be waiting for the lock with theirs.
sweep() {
    for left in "$STATE"/candidate.*; do
        if [ -e "$left" ] && ! kill -0 "${left##*.}" 2>/dev/null; then rm -f "$left"; fi
    done
    rm -rf "$STATE"/new.* "$STATE"/last.*
}

# finish VERDICT [STEP SENTENCE]
finish() {
    [ $# -eq 1 ] || say step "$2" failed "$(echo "$3" | encoded)"
    rm -rf "$NEW" "$STATE/candidate.$$"
    drop_lock
    say 'done' "$1" "$TOKEN"
    case $1 in applied | unchanged) exit 0 ;; *) exit 1 ;; esac
}

apply() {
    TOKEN=$$-$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
    say begin "$TOKEN" "$TIMEOUT"
    { mkdir -p "$STATE" && open_lock && head -c $((LARGEST + 1)) >"$STATE/candidate.$$"; } ||
        finish failed receive 'The files could not be stored here; is the disk full?'
    step lock take_lock || finish failed
    recover >/dev/null 2>&1
    sweep
    if step unpack unpack && step check-nftables check_nftables && step check-frr check_frr; then
        if unchanged; then note "$TOKEN" confirmed; finish unchanged; fi
        replace && finish applied
        finish "$(verdict_of "$TOKEN" | tr ' ' -)"
    fi
    note "$TOKEN" failed
    finish failed
}

replace() {
    if step save save && step arm-rollback arm_rollback; then
        step write install_from "$NEW" && step load-system load_system "$PENDING" && step load-nftables load_nftables && step load-frr load_frr && step verify verify && return 0
        step roll-back put_back || true
    else
        note "$TOKEN" failed
    fi
    return 1
}

confirm() {
    { mkdir -p "$STATE" && open_lock && take_lock; } || return 1
    if [ -n "$1" ] && [ "$(unconfirmed)" = "$1" ] && [ -e "$PENDING/applied" ]; then
        # Noted before it is cleared away: whoever finds the rest after a power cut knows that it stays.
        note "$1" confirmed && rm -rf "$PENDING"
    fi
    verdict_of "$1"
    drop_lock
}

# The timer. It counts from the end of applying; if the applier dies before that, it goes back at once.
rollback() {
    hold "$PENDING/timer.$1" 8
    left=$2
    until open_lock; do sleep 1; done
    while [ "$left" -gt 0 ]; do
        sleep 1 8>&- 9>&-
        [ "$(unconfirmed)" = "$1" ] || exit 0
        if [ -e "$PENDING/applied" ]; then left=$((left - 1)); elif hold "$STATE/busy" 9; then left=0; fi
    done
    until take_lock; do :; done
    for pause in 5 20 60 0; do
        [ "$(unconfirmed)" = "$1" ] || break
        put_back || sleep "$pause"
    done
    drop_lock
}

# told KIND NAME: what comes on standard input, as one line.
told() { printf '%s\t%s\t%s\n' "$1" "$2" "$(base64 | tr -d '\n')"; }

show() {
    for file in $(owned "$ROOT"); do told file "/$file" <"$ROOT/$file"; done
    echo end
}

inside() { [ -n "${APPLIER_INSIDE:-}" ] || { echo 'Not over SSH.' >&2; exit 64; }; }

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
    show) show ;;
    version) cksum <"$0" ;;
    rollback) inside; rollback "$2" "$3" ;;
    recover) inside; if [ -d "$PENDING" ]; then open_lock && take_lock && recover; fi ;;
    *) echo 'This account runs the applier only: apply, confirm, show or version.' >&2; exit 64 ;;
esac
