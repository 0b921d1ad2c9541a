#!/bin/sh
# The one program that a firewall runs for Shared Networks, beside FRR, nftables and a shell.
#
#   apply [DIGEST]   a tar on standard input: check it, save what runs, arm a rollback, write it, load it, verify it.
#                    Refused if this program is not the one with this SHA-256
#   confirm TOKEN    from a new connection: the configuration stays. May be asked again; it answers how that run ended:
#                    confirmed, rolled back, failed (nothing was changed), or unknown
#   show             the managed files that are on the box, and what ran when they were applied and runs now, in lines
#   version          the SHA-256 of this program
#   recover          at boot: put back what was never confirmed (not over SSH)
#   install [KEY]    as root, once, and again to update: this program, a user whose KEY runs nothing else, and the recovery at boot
#
# It speaks in lines: "begin<TAB>TOKEN<TAB>SECONDS UNTIL ROLLBACK", "step<TAB>NAME<TAB>running|ok|failed|skipped<TAB>BASE64 OUTPUT",
# and last "done<TAB>applied|unchanged|failed|rolled-back<TAB>TOKEN".
# Whoever sends may die at any moment: hangups are ignored and the run goes on to its end. If this program itself is killed,
# or nobody confirms in time, a detached timer puts back what ran before. So the box has the old or the new configuration.
#
# APPLIER_ROOT       the folder that holds the box's files ("" for a real firewall)
# APPLIER_PRACTICE   1: a practice firewall, a folder without a kernel: nothing is loaded
# APPLIER_TIMEOUT    seconds until an unconfirmed configuration is rolled back, counted from the end of applying (60)
# APPLIER_LOCK_WAIT  seconds to wait for another run, which may be the one of a sender that died (240)
# APPLIER_SETTLE     seconds within which BGP sessions must be up again, neighbours known and default routes originated (30)
# APPLIER_SLOW       seconds every step takes longer, on a practice firewall (0)
set -u
umask 077
PATH=$PATH:/usr/sbin:/sbin:/usr/lib/frr
export PATH LC_ALL=C
trap '' HUP PIPE

ROOT=${APPLIER_ROOT:-}
case $ROOT in '' | /*) ;; *) ROOT=$PWD/$ROOT ;; esac
PRACTICE=${APPLIER_PRACTICE:-}
TIMEOUT=${APPLIER_TIMEOUT:-60}
SLOW=${APPLIER_SLOW:-0}
LOCK_WAIT=${APPLIER_LOCK_WAIT:-240}
SETTLE=${APPLIER_SETTLE:-30}
ROUTE_MAPS=6 # seconds after which FRR has looked at changed route maps: bgp route-map delay-timer, and one more
ARRIVAL=10   # seconds after which a new BGP session has brought its routes
STATE=$ROOT/var/lib/shared-networks
PENDING=$STATE/pending
APPLIED=$STATE/applied
NEW=$STATE/new.$$
REQUIRED='etc/frr/frr.conf etc/nftables.conf'
KNOWN="$REQUIRED etc/hostname etc/sysctl.d/90-shared-networks.conf \
etc/systemd/resolved.conf.d/shared-networks.conf etc/systemd/timesyncd.conf.d/shared-networks.conf"
UNITS=etc/systemd/network
ACCOUNT=shared-networks
LOGIN=/var/lib/shared-networks-login
PROGRAM=/usr/local/sbin/shared-networks-applier
BOOT=shared-networks-recover.service
PROBES=$ROOT/etc/shared-networks/probes
LARGEST=4000000
NO_KERNEL='A practice firewall is a folder without a kernel, so nothing is loaded here.'

say() { printf '%s\t' "$@"; printf '\n'; }
installed() { command -v "$1" >/dev/null; }
sha256() { if installed sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
version() { digest=$(sha256 <"$1"); echo "${digest%% *}"; }

# bounded SECONDS COMMAND...: a tool that hangs must not keep the box half way.
bounded() { if installed timeout; then timeout "$@"; else shift; "$@"; fi; }

# settles SECONDS COMMAND...: wait until the command has nothing to tell; what it tells at the end is in $lacking.
settles() {
    patience=$1; shift
    waited=0
    while lacking=$("$@") && [ -n "$lacking" ]; do
        [ "$waited" -lt "$patience" ] || return 1
        sleep 1 9>&-; waited=$((waited + 1))
    done
}

# pause SECONDS: so long, or as long as anything is given here to settle.
pause() { if [ "$1" -gt "$SETTLE" ]; then sleep "$SETTLE" 9>&-; else sleep "$1" 9>&-; fi; }

# managed FILE: whether it is one that is managed here. Units of others, such as the management interface's, have other names.
managed() {
    case " $KNOWN " in *" $1 "*) return 0 ;; esac
    case ${1#"$UNITS"/} in
        "$1" | *[!A-Za-z0-9.-]*) return 1 ;;
        [0-9][0-9]-sn-*.netdev | [0-9][0-9]-sn-*.network) return 0 ;;
    esac
    return 1
}

# owned FOLDER [FOLDER]: the managed files in these folders, each once. An empty FOLDER is one too: the root of a real firewall.
owned() {
    for file in $KNOWN; do if [ -f "$1/$file" ] || [ -f "${2-$1}/$file" ]; then echo "$file"; fi; done
    for path in "$1/$UNITS"/* ${2+"$2/$UNITS"/*}; do
        file=$UNITS/${path##*/}
        if [ ! -f "$path" ] || ! managed "$file"; then continue; fi
        if [ "$path" = "$1/$file" ] || [ ! -f "$1/$file" ]; then echo "$file"; fi
    done
}

# differences FOLDER FOLDER: the managed files that are not the same in both.
differences() {
    one=$1 other=$2 both=' '
    files=$(owned "$1" "$2")
    set --
    for file in $files; do
        if [ -f "$one/$file" ] && [ -f "$other/$file" ]; then both="$both$file "; set -- "$@" "$one/$file" "$other/$file"; fi
    done
    digests=
    if [ $# -gt 0 ]; then digests=$(sha256 "$@" 2>/dev/null); fi
    by_lines
    # shellcheck disable=SC2086 # two lines a file
    set -- $digests
    by_words
    for file in $files; do
        case $both in *" $file "*) ;; *) echo "$file"; continue ;; esac
        if [ $# -lt 2 ] || [ "${1%% *}" != "${2%% *}" ]; then echo "$file"; fi # where one vanished meanwhile, nothing is known of it
        if [ $# -ge 2 ]; then shift 2; fi
    done
}

# How what is not quoted is split from here on: at the ends of lines, and no file is meant by a star; or as usual.
by_lines() { set -f; IFS='
'; }
by_words() { set +f; unset IFS; }

# folders FILE...: the folders of the files, each once.
folders() {
    found=
    for file; do case " $found " in *" ${file%/*} "*) ;; *) found="$found ${file%/*}" ;; esac; done
    echo "$found"
}

# On a practice firewall a missing tool costs a check; on a real one nothing could be loaded without it.
missing() {
    echo "$1"
    [ -z "$PRACTICE" ] || return 77
    return 1
}

# step NAME COMMAND...: run it and tell how it went. Status 77 means it could not be done here, or need not be.
step() {
    name=$1; shift
    say step "$name" running ''
    if [ -n "$PRACTICE" ] && [ "$SLOW" != 0 ]; then sleep "$SLOW" 9>&-; fi
    output=$("$@" 2>&1 </dev/null)
    case $? in 0) result=ok ;; 77) result=skipped ;; *) result=failed ;; esac
    if [ -n "$output" ]; then encode "$output"; fi
    say step "$name" "$result" "${output:+$encoded}"
    [ "$result" != failed ]
}

# failed NAME SENTENCE: tell that a step has failed, where nothing was run for it or it seemed to be well.
failed() { encode "$2"; say step "$1" failed "$encoded"; }

# encode TEXT: $encoded is its first 8000 bytes in base64, in one line. Many steps in a row may say the same.
said='' encoded=''
encode() {
    if [ "$1" = "$said" ]; then return; fi
    said=$1
    # shellcheck disable=SC2046 # the lines of base64
    set -- $(printf '%.8000s' "$1" | base64)
    encoded=
    for line; do encoded=$encoded$line; done
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

make_state() { [ -d "$STATE" ] || mkdir -p "$STATE"; }

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

drop_lock() {
    exec 9>&-
    if { read -r holder <"$STATE/busy.pid"; } 2>/dev/null && [ "$holder" = $$ ]; then rm -f "$STATE/busy.pid"; fi
}

# What became of the last run: TOKEN, then confirmed, rolled back or failed. Where the disk is full, written over what was said of the
# run before, which takes no room.
note() {
    { echo "$1 $2" >"$STATE/last.$$" && flush "$STATE/last.$$" && mv -f "$STATE/last.$$" "$STATE/last"; } 2>/dev/null && return
    rm -f "$STATE/last.$$"
    printf '%-60s\n' "$1 $2" 1<>"$STATE/last" && flush "$STATE/last"
}
verdict_of() { if read -r run verdict <"$STATE/last" && [ "$run" = "$1" ]; then echo "$verdict"; else echo unknown; fi 2>/dev/null; }
unconfirmed() { waiting=; { read -r waiting <"$PENDING/token"; } 2>/dev/null; } # in $waiting, the TOKEN
waits() { unconfirmed && [ "$waiting" = "$1" ]; }
flush() { sync "$@" 2>/dev/null || sync; }
flush_in() { ( cd "$1/" && shift && flush "$@" ); } # flush_in FOLDER FILE...

# What this program does and expects, and what the sender does and expects, must be the same.
same_version() {
    mine=$(version "$0")
    [ "$1" != "$mine" ] || return 0
    echo "This firewall's applier is another one ($mine) than the product's ($1)."
    echo 'Update it: copy firewalls/applier.sh here, and run as root: sh applier.sh install'
    return 1
}

# Nothing but the managed files, each once and plain. They are judged before anything is unpacked, and what came out after it.
unpack() {
    candidate=$STATE/candidate.$$
    if [ "$(wc -c <"$candidate")" -gt "$LARGEST" ]; then echo "Refused: more than $LARGEST bytes were sent."; return 1; fi
    if ! { listing=$(tar -tvf "$candidate" 2>&1) && case $listing in *'tar: '*) false ;; esac; }; then
        echo "Refused: this is no plain whole archive: $listing"
        return 1
    fi
    members=' '
    by_lines
    for line in $listing; do
        # Of a file: its mode, whose it is, its size, a time, and a name, which has no blank in it.
        case ${line% *} in -*[0-9]) ;; *) echo "$line"; echo 'Refused: only plain files are taken.'; return 1 ;; esac
        member=${line##* }
        managed "$member" || { echo "Refused: $member is not a file that is managed here."; return 1; }
        case $members in *" $member "*) echo 'Refused: a file must be there once, not twice.'; return 1 ;; esac
        members="$members$member "
    done
    by_words
    { mkdir -p "$NEW" && tar -xf "$candidate" -C "$NEW"; } || { echo 'Refused: the archive is not whole, or there is no room for it.'; return 1; }
    for file in $REQUIRED $members; do
        [ -f "$NEW/$file" ] || { echo "Refused: $file must be there, once."; return 1; }
    done
}

check_nftables() {
    installed nft || { missing 'nft is not installed here, so the rule set was not checked.'; return; }
    file=$NEW/etc/nftables.conf
    if [ -z "$PRACTICE" ]; then bounded 60 nft -c -f "$file"; return; fi
    # In a network namespace of its own: the machine that plays the practice firewall is never touched.
    inside='inside
'
    for flags in -n -Urn; do # without privileges, the kernel takes short rule sets only
        # shellcheck disable=SC2016 # for the shell inside
        checked=$(bounded 60 unshare $flags sh -c 'echo inside && exec nft -c -f "$1"' sh "$file" 2>&1) && return
        case $checked in inside*) echo "${checked#"$inside"}"; return 1 ;; esac
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

# To ask FRR takes long on a slow box, however little is asked; so what is asked at one time is asked at once, and told apart here.
CONFIGURATION='show running-config no-header' # ends with a line `end`
NEIGHBOURS='show bgp vrf all neighbors'
PREFIXES='show bgp l2vpn evpn route type prefix'
ask_frr() { for question; do set -- "$@" -c "$question"; shift; done; bounded 60 vtysh "$@" 2>/dev/null; }

# daemons_run [ANSWER]: frr-reload.py ends well even if nobody is there to take the lines.
daemons_run() {
    up=${1-$(ask_frr 'show daemons')}
    for daemon in zebra bgpd; do
        case " $up " in *" $daemon "*) ;; *) echo "$daemon is not running here, so FRR would not take its configuration."; return 1 ;; esac
    done
}

# What the kernel and FRR have now, whatever the files say: everything, as it is saved, and what is ours of it.
running_rules() { echo 'flush ruleset'; bounded 60 nft -s list ruleset; }
running_frr() { ask_frr "$CONFIGURATION"; }

# settings: the lines of a configuration of FRR, each behind the blocks that it stands in, sorted: after a boot FRR lists its VRFs in
# another order, and the order means nothing, for whatever has one is numbered.
settings() {
    awk '
        { match($0, /^ */); depth = RLENGTH; line = substr($0, depth + 1) }
        line ~ /^(!.*|exit.*|end)?$/ { next }
        { block[depth] = line; path = ""; for (d = 0; d < depth; d++) if (d in block) path = path block[d] " / "; print path line }
        { for (d in block) if (d + 0 > depth) delete block[d] }
    ' | sort
}
running_settings() { running_frr | settings; }

tables() { sed -n 's/^table \([a-z0-9]* [A-Za-z0-9_]*\) {.*/\1/p' "$1" | sort -u; }
# shellcheck disable=SC2086 # a family and a name
our_rules() { tables "$1" | while read -r table; do bounded 60 nft -s list table $table 2>/dev/null; done; }

# remember CONF [FRR]: what runs now, or in the file FRR was seen to run, is what was applied.
remember() {
    [ -z "$PRACTICE" ] || return 0
    rm -rf "$APPLIED" && mkdir "$APPLIED" && our_rules "$1" >"$APPLIED/nftables" &&
        if [ $# -gt 1 ]; then cat "$2"; else running_frr; fi >"$APPLIED/frr"
}

# The BGP neighbours in what FRR has told, each with whether its session is up.
sessions() {
    while read -r one two three four rest; do
        case "$one $two $three" in
            'BGP neighbor is' | 'BGP neighbor on') neighbour=${four%[,:]} ;;
            'BGP state =') case $four in Established*) echo "$neighbour up" ;; *) echo "$neighbour down" ;; esac ;;
        esac
    done | sort -u
}

# lost_next_hops [MORE]: "ADDRESS dev DEVICE", one a line, for the next hops at the other ends of VXLANs that the routes of both families
# lead to, and for those in MORE, where the kernel has no neighbour entry: packets to them go nowhere.
# shellcheck disable=SC2120 # called by settles
lost_next_hops() {
    {
        ip neigh show nud all; ip route show table all proto bgp; ip -6 route show table all proto bgp
        printf '%s\n' "${1:-}" | sed 's/.*/via & onlink/'
    } 2>/dev/null | awk '
        $2 == "dev" && $4 == "lladdr" && !/ FAILED/ { known[$1 " dev " $3]; next }
        / dev vlan[0-9]+ / && / onlink/ {
            for (i = 1; i < NF; i++) {
                if ($i == "via") address = $(i + 1) ~ /^inet6?$/ ? $(i + 2) : $(i + 1)
                if ($i == "dev") device = $(i + 1)
            }
            if (!((address " dev " device) in known)) print address " dev " device
        }
    ' | sort -u
}

# The default routes that FRR originates by a configuration: "VRF FAMILY", one a line.
originated() {
    settings | sed -n 's|^router bgp [0-9]* vrf \(vrf[0-9]*\) / address-family l2vpn evpn / default-originate \(ipv[46]\)$|\1 \2|p'
}

# not_originated CONF: those of them that are not among the routes which FRR has told: of its own are those with this weight, and the route
# target of a VRF is its VNI, which is its number.
not_originated() {
    { originated <"$1"; cat; } | awk '
        /^vrf[0-9]+ ipv[46]$/ { wanted[$0]; next }
        /\[[1-5]\]:\[/ { family = ""; own = 0 }
        /\[5\]:\[0\]:\[0\]:\[/ { family = /\[::\]/ ? "ipv6" : "ipv4" }
        / 32768 / { own = 1 }
        own && family != "" && match($0, /RT:[0-9]+:[0-9]+/) {
            split(substr($0, RSTART, RLENGTH), target, ":")
            delete wanted["vrf" target[3] " " family]
        }
        END { for (one in wanted) print one }
    ' | sort
}

lost_defaults() { [ -z "$(originated <"$1")" ] || ask_frr "$PREFIXES" | not_originated "$1"; }

# copy_owned FOLDER FOLDER: into the second, which is new, a folder in it at a time.
# shellcheck disable=SC2046,SC2086 # names without blanks
copy_owned() {
    all=$(owned "$1")
    inside=$(folders $all)
    made=${2##*/}
    for folder in $inside; do made="$made ${2##*/}/$folder"; done
    ( cd "${2%/*}" && mkdir -p $made ) && for folder in $inside; do
        here=
        for file in $all; do [ "${file%/*}" != "$folder" ] || here="$here $file"; done
        ( cd "$1/" && cp -p $here "$2/$folder" ) || return 1
    done
}

# While an earlier push is unconfirmed, what it saved is still what to go back to.
save() {
    if [ -d "$PENDING" ]; then echo 'An unconfirmed push is replaced; its rollback would go back to the same files.'; return 0; fi
    for left in "$STATE"/saved.*; do [ ! -e "$left" ] || rm -rf "$left"; done
    saved=$STATE/saved.$$
    copy_owned "$ROOT" "$saved" || { echo 'What runs could not be saved; is the disk full?'; return 1; }
    if [ -z "$PRACTICE" ]; then
        # Without BGP, only the first question is answered.
        { running_rules >"$saved/rules" && { ask_frr "$CONFIGURATION" "$NEIGHBOURS" "$PREFIXES" >"$NEW/told" || true; } &&
            sed '/^end$/q' "$NEW/told" >"$saved/running.conf" && grep -qx end "$saved/running.conf" &&
            sessions <"$NEW/told" >"$saved/sessions" && not_originated "$saved/running.conf" <"$NEW/told" >"$saved/defaults" &&
            lost_next_hops '' >"$saved/next-hops"; } ||
            { echo 'What runs could not be asked of nft and FRR, so it could not be saved.'; return 1; }
    fi
    # shellcheck disable=SC2046 # names without blanks
    flush_in "$saved" $(owned "$saved") $(cd "$saved" && for file in *; do [ ! -f "$file" ] || echo "$file"; done) .
}

# The timer inherits its own lock, locked: whether it lives can be asked without trusting process ids.
arm_rollback() {
    if [ -d "$PENDING" ]; then rm -rf "$PENDING/applied" && give_room; else mv "$STATE/saved.$$" "$PENDING" || return 1; fi
    { echo "$TOKEN" >"$PENDING/token.new" && true >"$PENDING/timer.$TOKEN" && mv "$PENDING/token.new" "$PENDING/token"; } ||
        { echo 'No rollback could be armed; is the disk full?'; return 1; }
    flush "$PENDING/token" "$PENDING" "$STATE"
    exec 8>>"$PENDING/timer.$TOKEN"
    if installed flock; then flock -n 8; fi
    detached=; if installed setsid; then detached=setsid; fi
    APPLIER_INSIDE=1 $detached "${APPLIER_SHELL:-sh}" "$0" rollback "$TOKEN" "$TIMEOUT" >/dev/null 2>&1 </dev/null 9>&- &
    exec 8>&-
    # Without flock the lock is taken by the timer itself, a moment later.
    waited=0
    until installed flock || [ -e "$PENDING/timer.$TOKEN.pid" ] || [ "$waited" -ge 20 ]; do sleep 1 9>&-; waited=$((waited + 1)); done
    echo "Rolled back by itself in $TIMEOUT seconds unless it is confirmed over a new connection."
}

# install_from FOLDER FILES: put these of the managed files in place. All are on the disk before the first is moved; one that FOLDER lacks
# is removed.
# shellcheck disable=SC2046,SC2086 # names without blanks
install_from() {
    for file in $(owned "$1" "$ROOT"); do [ ! -e "$ROOT/$file.new" ] || rm -f "$ROOT/$file.new" || return 1; done
    written=
    for file in $2; do
        [ -f "$1/$file" ] || continue
        target=$ROOT/$file
        [ -d "${target%/*}" ] || ( umask 022 && mkdir -p "${target%/*}" ) || return 1
        case $file in etc/frr/* | etc/nftables.conf) mode=027 ;; *) mode=022 ;; esac # networkd is no root
        ( umask "$mode" && exec cat "$1/$file" >"$target.new" ) || return 1
        if [ -z "$PRACTICE" ] && [ "$file" = etc/frr/frr.conf ]; then chown frr:frr "$target.new" || return 1; fi
        written="$written $file.new"
    done
    [ -z "$written" ] || flush_in "$ROOT" $written
    for file in $2; do
        if [ -f "$1/$file" ]; then mv -f "$ROOT/$file.new" "$ROOT/$file" || return 1; else rm -f "$ROOT/$file"; fi
    done
    [ -z "$2" ] || flush_in "$ROOT" $(folders $2)
}

# The names of the devices that the units in a folder describe.
devices() { for file in "$1/$UNITS"/[0-9][0-9]-sn-*.netdev; do [ ! -f "$file" ] || sed -n 's/^Name=//p' "$file"; done; }

# networkd answers before it acts; and where it sets an interface up for the first time it clears away the neighbours there, also
# those by which FRR reaches the other end of a VXLAN. FRR would not notice, so it comes after.
interfaces_settle() {
    settles "$SETTLE" unsettled || { echo "systemd-networkd has not set these up after $waited seconds:$lacking"; return 1; }
}

unsettled() {
    ready=" $(bounded 60 networkctl --no-legend --no-pager list | while read -r _ device _ _ setup; do
        if [ "$setup" = configured ]; then printf '%s ' "$device"; fi
    done)"
    for device in $(devices "$ROOT"); do case $ready in *" $device "*) ;; *) printf ' %s' "$device" ;; esac done
}

# load_system BEFORE: names, kernel settings and interfaces, where they are others than before. Interfaces whose units are gone go too.
load_system() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    changed=
    for file in $(differences "$ROOT" "$1"); do
        case " $REQUIRED " in *" $file "*) ;; *) changed="$changed $file" ;; esac
    done
    if [ -z "$changed" ]; then echo 'Names, kernel settings and interfaces stay as they are.'; return 77; fi
    [ ! -f "$ROOT/etc/hostname" ] || hostname -F "$ROOT/etc/hostname" || return 1
    [ ! -f "$ROOT/etc/sysctl.d/90-shared-networks.conf" ] || bounded 60 sysctl -q -p "$ROOT/etc/sysctl.d/90-shared-networks.conf" || return 1
    for device in $(devices "$1"); do
        devices "$ROOT" | grep -qxF "$device" || ip link delete "$device" 2>/dev/null
    done
    bounded 60 systemctl --quiet is-active systemd-networkd 2>/dev/null ||
        { echo 'systemd-networkd is not running here, so interfaces stay as they are.'; return 77; }
    { bounded 60 networkctl reload && interfaces_settle; } || return 1
    for service in resolved timesyncd; do
        case $changed in *"etc/systemd/$service.conf.d/"*) ;; *) continue ;; esac
        # A firewall may well have neither; `try-restart` fails where a unit is not even known.
        bounded 60 systemctl --quiet is-active "systemd-$service" || continue
        bounded 60 systemctl restart "systemd-$service" || return 1
    done
}

load_nftables() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    bounded 60 nft -f "$ROOT/etc/nftables.conf"
}

load_frr() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    reload_frr "$ROOT/etc/frr/frr.conf"
}

# reload_frr FILE, in two rounds where it takes two. The first leaves the BGP instance of a VRF whose importers it has only just taken
# away, and fails where it adds once more what it has just added, for FRR refuses a `vni` that is there. The second does what is left.
reload_frr() {
    first=0
    bounded 120 frr-reload.py --reload --stdout "$1" || first=$?
    if [ "$first" = 0 ] && [ -z "$(left_over "$1")" ]; then return 0; fi
    bounded 120 frr-reload.py --reload --stdout "$1" || [ "$first" = 0 ]
}

# left_over FILE: the settings of BGP that FRR has beyond those in the file.
left_over() {
    { settings <"$1"; echo; running_settings; } | awk '
        running == "" && $0 == "" { running = 1; next }
        running == "" { asked[$0]; next }
        /^router bgp / && !($0 in asked)
    '
}

# The files are those that were sent, and the kernel and FRR have taken them.
verify() {
    for file in $(differences "$NEW" "$ROOT"); do echo "$file is not what was sent."; return 1; done
    [ -z "$PRACTICE" ] || return 0
    ask_frr 'show daemons' "$CONFIGURATION" >"$NEW/told"
    { read -r up; cat >"$NEW/running"; } <"$NEW/told"
    daemons_run "$up" && rules_as_sent && imports_present
}

# The kernel lists the rules as it would those of the file, loaded into an empty namespace.
rules_as_sent() {
    unshare -n true 2>/dev/null || { echo 'No network namespace can be made here, so the rules in the kernel were not compared.'; return 0; }
    # shellcheck disable=SC2016 # for the shell inside
    bounded 60 unshare -n sh -c 'nft -f "$1" && nft -s list ruleset' sh "$ROOT/etc/nftables.conf" >"$NEW/expected" || return 1
    our_rules "$NEW/expected" >"$NEW/loaded"
    cmp -s "$NEW/expected" "$NEW/loaded" || { echo 'The rules in the kernel are not those that were sent.'; return 1; }
}

# Which routing table imports what, one line each.
imports() {
    while read -r first rest; do
        case "$first $rest" in
            'router bgp '*) router=$rest ;;
            'address-family '*) family=$rest ;;
            'import vrf '*) echo "$router, $family: import $rest" ;;
        esac
    done | sort -u
}

imports_present() {
    imports <"$NEW/running" >"$NEW/imported"
    imports <"$ROOT/etc/frr/frr.conf" | while read -r import; do
        grep -qxF "$import" "$NEW/imported" || { echo "FRR has not taken this: $import"; exit 1; }
    done
}

# Every session that was up before is up again, unless its neighbour is gone from the configuration. New ones are waited for, too, but may
# come later.
check_bgp() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    settles "$SETTLE" sessions_missing || true
    lost=$(for neighbour in $lacking; do ! was "$neighbour" up || printf '%s ' "$neighbour"; done)
    if [ -n "$lost" ]; then echo "BGP sessions that were up before are not, after $waited seconds: $lost"; return 1; fi
    echo "$(grep -c ' up$' "$PENDING/sessions") sessions as before.${lacking:+ New and not up yet: $lacking}"
}

# was NEIGHBOUR STATE: whether it was so before this push.
was() { grep -qxF "$1 $2" "$PENDING/sessions"; }

sessions_missing() {
    ask_frr "$NEIGHBOURS" | sessions >"$NEW/sessions"
    while read -r neighbour state; do
        if [ "$state" = down ] && ! was "$neighbour" down; then printf '%s ' "$neighbour"; fi
    done <"$NEW/sessions"
}

sessions_come_up() {
    while read -r neighbour state; do
        if [ "$state" = up ] && ! was "$neighbour" up; then echo "$neighbour"; fi
    done <"$NEW/sessions"
}

# FRR 8.4.0 to 8.5.2 forgets the MAC at the other end of a VXLAN when a better path comes up or a session flaps, and learns it again with
# the VNI. What was lost before this push too, and cannot be mended, is no reason to take the push back.
check_next_hops() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    if [ -n "$(sessions_come_up)" ]; then pause "$ARRIVAL"; fi
    if settles 3 lost_next_hops; then echo 'Every next hop has its neighbour.'; return 0; fi
    forgotten=$lacking
    for number in $(echo "$lacking" | sed 's/.* dev vlan//' | sort -u); do give_again "$number" || return 1; done
    # Without the VNI there is no route either, so those that were lost must come, not only be wanted no more.
    if settles "$SETTLE" lost_next_hops "$forgotten"; then
        echo "FRR had forgotten these neighbours and knows them again: $(listed "$forgotten")"
        return 0
    fi
    new=$(lost_anew next-hops)
    if [ -n "$new" ]; then echo "These next hops have no neighbour, so packets to them go nowhere: $(listed "$new")"; return 1; fi
    echo "These next hops had no neighbour before either; packets to them go nowhere until FRR is restarted: $(listed "$lacking")"
}

# lost_anew KIND: what is lacking and was not before this push.
lost_anew() { echo "$lacking" | while read -r one; do grep -qxF "$one" "$PENDING/$1" || echo "$one"; done; }

listed() { echo "$1" | tr '\n' ',' | sed 's/,$//; s/,/, /g'; }

# give_again NUMBER: take the VNI from its VRF and give it back.
give_again() {
    running_settings | grep -qxF "vrf vrf$1 / vni $1" || return 0
    bounded 60 vtysh -c 'configure terminal' -c "vrf vrf$1" -c "no vni $1" >/dev/null 2>&1
    waited=0
    until bounded 60 vtysh -c 'configure terminal' -c "vrf vrf$1" -c "vni $1" >/dev/null 2>&1
        running_settings | grep -qxF "vrf vrf$1 / vni $1"; do
        if [ "$waited" -ge "$SETTLE" ]; then echo "FRR has not taken the VNI $1 back after $waited seconds."; return 1; fi
        sleep 1 9>&-; waited=$((waited + 1))
    done
}

# FRR 8.4 withdraws the default route that it originates into a VRF together with another 0/0 that goes from there, and does not
# originate it again, though its configuration says so. What was lost before this push too is no reason to take the push back.
check_defaults() {
    if [ -n "$PRACTICE" ]; then echo "$NO_KERNEL"; return 77; fi
    keep_defaults "$ROOT/etc/frr/frr.conf" "$PENDING/running.conf"
    if [ -z "$wanted" ]; then echo 'This firewall originates no default route.'; return 77; fi
    if [ -z "$forgotten" ]; then echo "Originated: $(listed "$wanted")"; return 0; fi
    if [ -z "$lacking" ]; then
        echo "FRR had forgotten these default routes and originates them again: $(listed "$forgotten")"
        return 0
    fi
    new=$(lost_anew defaults)
    if [ -n "$new" ]; then echo "FRR does not originate these default routes, so they lead nobody out: $(listed "$new")"; return 1; fi
    echo "FRR did not originate these default routes before either; they lead nobody out until it is restarted: $(listed "$lacking")"
}

# keep_defaults CONF BEFORE: see to it that FRR originates the default routes of CONF, which it runs, after it ran BEFORE. In $wanted all of
# them, in $forgotten those that had to be given anew, and in $lacking those of which that was no use.
keep_defaults() {
    forgotten='' lacking=''
    wanted=$(originated <"$1")
    [ -n "$wanted" ] || return 0
    # FRR looks at route maps some seconds after they have changed, and may withdraw the other 0/0 only then.
    if [ "$wanted" != "$({ originated <"$2"; } 2>/dev/null)" ]; then pause "$ROUTE_MAPS"; fi
    if settles 3 lost_defaults "$1"; then return 0; fi
    forgotten=$lacking
    echo "$forgotten" | while read -r vrf family; do
        bounded 60 vtysh -c 'configure terminal' -c "$(grep -x "router bgp [0-9]* vrf $vrf" "$1")" -c 'address-family l2vpn evpn' \
            -c "no default-originate $family" -c "default-originate $family" >/dev/null 2>&1
    done
    settles "$SETTLE" lost_defaults "$1"
}

# Whatever the box's owner wants to be true: each executable there must end well within ten seconds.
probe() {
    found=
    for one in "$PROBES"/*; do
        if [ ! -x "$one" ] || [ -d "$one" ]; then continue; fi
        found="$found ${one##*/}"
        bounded 10 "$one" || { echo "The probe ${one##*/} failed."; return 1; }
    done
    if [ -z "$found" ]; then echo 'No probes are configured in /etc/shared-networks/probes.'; return 77; fi
    echo "Well:$found"
}

# The same files, and on a real box the same rules and routing as when they were last applied, a neighbour at every next hop and every
# default route.
unchanged() {
    different=$(differences "$NEW" "$ROOT")
    if [ -n "$different" ] || [ -d "$PENDING" ]; then return 1; fi
    [ -z "$PRACTICE" ] || return 0
    { settings <"$APPLIED/frr"; } >"$NEW/settings" 2>/dev/null && running_settings | cmp -s - "$NEW/settings" &&
        our_rules "$NEW/etc/nftables.conf" | cmp -s - "$APPLIED/nftables" &&
        settles 3 lost_next_hops && settles 3 lost_defaults "$APPLIED/frr"
}

# Back to what was saved: the files, the rules, the routing. What was saved is kept until that has been done.
put_back() {
    unconfirmed
    token=$waiting
    if [ -z "$token" ] || [ "$(verdict_of "$token")" != confirmed ]; then
        sweep
        rm -f "$STATE/candidate.$$"
        give_room
        if [ ! -d "$PENDING/undone" ]; then
            rm -rf "$PENDING/undone.new" && copy_owned "$ROOT" "$PENDING/undone.new" &&
                mv "$PENDING/undone.new" "$PENDING/undone" || return 1
        fi
        install_from "$PENDING" "$(differences "$PENDING" "$ROOT")" || return 1
        if [ -z "$PRACTICE" ]; then load_saved || return 1; fi
        [ -z "$token" ] || note "$token" 'rolled back' || return 1
    fi
    rm -rf "$PENDING"
}

# At boot FRR reads the files by itself, later.
load_saved() {
    # The rules first: they may be what keeps out whoever could help. A part that fails is no reason to leave out the others.
    back=0
    bounded 60 nft -f "$PENDING/rules" || back=1
    load_system "$PENDING/undone" >/dev/null || [ $? = 77 ] || back=1
    if daemons_run >/dev/null; then
        if reload_frr "$PENDING/running.conf"; then keep_defaults "$PENDING/running.conf" "$PENDING/undone/etc/frr/frr.conf"; else back=1; fi
    fi
    [ "$back" = 0 ] || return 1
    if [ -f "$ROOT/etc/nftables.conf" ]; then remember "$ROOT/etc/nftables.conf"; fi
}

# A box that went down while a push was unconfirmed has no timer any more: go back now.
recover() {
    [ -d "$PENDING" ] || return 0
    unconfirmed
    timer=$PENDING/timer.$waiting
    if { true >>"$timer"; } 2>/dev/null; then ( exec 8>>"$timer"; hold "$timer" 8 ) || return 0; fi
    put_back
}

give_room() { for left in "$PENDING"/new.* "$PENDING"/candidate.*; do [ ! -e "$left" ] || rm -rf "$left"; done; }

# What a killed run left; others may be waiting for the lock with theirs.
sweep() {
    for left in "$STATE"/candidate.*; do
        if [ -e "$left" ] && ! kill -0 "${left##*.}" 2>/dev/null; then rm -f "$left"; fi
    done
    for left in "$STATE"/new.* "$STATE"/last.*; do [ ! -e "$left" ] || rm -rf "$left"; done
}

# finish VERDICT [STEP SENTENCE]
finish() {
    if [ $# -gt 1 ]; then failed "$2" "$3"; fi
    # Until it is confirmed, what was sent keeps the room that going back takes.
    if [ "$1" != applied ] || ! mv "$NEW" "$STATE/candidate.$$" "$PENDING"; then rm -rf "$NEW" "$STATE/candidate.$$"; fi
    drop_lock
    say 'done' "$1" "$TOKEN"
    case $1 in applied | unchanged) exit 0 ;; *) exit 1 ;; esac
}

# apply [DIGEST]
apply() {
    { read -r random </proc/sys/kernel/random/uuid; } 2>/dev/null || random=$(od -An -N8 -tx4 /dev/urandom | tr -d ' ')
    TOKEN=$$-$random
    say begin "$TOKEN" "$TIMEOUT"
    { make_state && open_lock && head -c $((LARGEST + 1)) >"$STATE/candidate.$$"; } ||
        finish failed receive 'The files could not be stored here; is the disk full?'
    step lock take_lock || finish failed
    recover >/dev/null 2>&1
    sweep
    # From here on there is room for the verdict.
    [ -s "$STATE/last" ] || note "$TOKEN" unknown || finish failed receive 'Nothing can be written here; is the disk full?'
    if { [ -z "$1" ] || step version same_version "$1"; } && step unpack unpack; then
        # What was checked and runs needs no check.
        if unchanged; then note "$TOKEN" confirmed; finish unchanged; fi
        if step check-nftables check_nftables && step check-frr check_frr; then
            replace && finish applied
            finish "$(verdict_of "$TOKEN" | tr ' ' -)"
        fi
    fi
    note "$TOKEN" failed
    finish failed
}

replace() {
    if step save save && step arm-rollback arm_rollback; then
        load && check && return 0
        step roll-back put_back || true
    else
        note "$TOKEN" failed
    fi
    return 1
}

load() {
    step write install_from "$NEW" "$different" && step load-system load_system "$PENDING" &&
        step load-nftables load_nftables && step load-frr load_frr
}

# The timer counts from here on.
check() {
    step verify verify && step check-bgp check_bgp && step check-next-hops check_next_hops && step check-defaults check_defaults &&
        step probe probe || return 1
    { remember "$ROOT/etc/nftables.conf" "$NEW/running" && true >"$PENDING/applied"; } 2>/dev/null && return 0
    failed verify 'What runs now could not be noted here; is the disk full?'
    return 1
}

confirm() {
    { make_state && open_lock && take_lock; } || return 1
    if [ -n "$1" ] && waits "$1" && [ -e "$PENDING/applied" ]; then
        # Noted before it is cleared away: whoever finds the rest after a power cut knows that it stays.
        note "$1" confirmed && rm -rf "$PENDING"
    fi
    verdict_of "$1"
    drop_lock
}

# In $now, seconds that no clock setting moves, and that no command has to be started for; macOS has a clock only.
now() {
    if { read -r now _ </proc/uptime; } 2>/dev/null; then now=${now%%.*}; else now=$(date +%s); fi
}

# The timer. It counts from the end of applying; if the applier dies before that, it goes back at once.
rollback() {
    hold "$PENDING/timer.$1" 8
    ends=
    until open_lock; do sleep 1; done
    while now && { [ -z "$ends" ] || [ "$now" -lt "$ends" ]; }; do
        sleep 1 8>&- 9>&-
        waits "$1" || exit 0
        if [ -n "$ends" ]; then continue; fi
        if [ -e "$PENDING/applied" ]; then now && ends=$((now + $2)); elif hold "$STATE/busy" 9; then break; fi
    done
    until take_lock; do :; done
    for pause in 5 20 60 0; do
        waits "$1" || break
        put_back || sleep "$pause"
    done
    drop_lock
}

# told KIND NAME: what comes on standard input, as one line.
told() { printf '%s\t%s\t%s\n' "$1" "$2" "$(base64 | tr -d '\n')"; }

show() {
    for file in $(owned "$ROOT"); do told file "/$file" <"$ROOT/$file"; done
    if [ -z "$PRACTICE" ] && [ -d "$APPLIED" ]; then
        told applied 'rules in the kernel' <"$APPLIED/nftables"
        our_rules "$APPLIED/nftables" | told running 'rules in the kernel'
        settings <"$APPLIED/frr" | told applied 'running configuration of FRR'
        running_settings | told running 'running configuration of FRR'
        told applied 'next hops without a neighbour' </dev/null
        settles 3 lost_next_hops # a route may be there a moment before its neighbour
        printf '%s' "$lacking" | told running 'next hops without a neighbour'
        told applied 'default routes that are not originated' </dev/null
        settles 3 lost_defaults "$APPLIED/frr"
        printf '%s' "$lacking" | told running 'default routes that are not originated'
    fi
    echo end
}

# refuse SENTENCE: what install does not do.
refuse() { echo "$1" >&2; exit 65; }

# install [KEY]: everything a firewall needs beside FRR, nftables, sudo and sshd; again, without the key, to update it.
install() {
    [ "$(id -u)" = 0 ] || refuse 'Installing takes root: sudo sh applier.sh install'
    for tool in nft vtysh frr-reload.py ip sudo visudo useradd tar base64; do
        installed "$tool" || refuse "$tool is missing here; a firewall needs frr, frr-pythontools, nftables, iproute2, sudo and openssh-server."
    done
    keys=$ROOT$LOGIN/.ssh/authorized_keys
    case $1 in
        *[!A-Za-z0-9\ +/=@._-]*) refuse 'That is no public key: it is one line such as ssh-ed25519 AAAA…' ;;
        'ssh-ed25519 '* | 'ecdsa-sha2-nistp'* | 'ssh-rsa '*) ;;
        '') [ -f "$keys" ] || refuse "Give the product's public key: sh applier.sh install 'ssh-ed25519 AAAA…'" ;;
        *) refuse 'That is no public key: it is one line such as ssh-ed25519 AAAA…' ;;
    esac
    place "$ROOT$PROGRAM" 755 <"$0" || refuse "$PROGRAM could not be written."
    id "$ACCOUNT" >/dev/null 2>&1 || useradd --system --no-create-home --home-dir "$LOGIN" --shell /bin/sh --password '*' "$ACCOUNT" ||
        refuse "The user $ACCOUNT could not be made."
    # The folder is root's: the account cannot let in other keys.
    if [ -n "$1" ]; then
        { echo "restrict,command=\"sudo -n $PROGRAM\" $1" | place "$keys" 644 && chmod 755 "$ROOT$LOGIN" "${keys%/*}"; } ||
            refuse "$keys could not be written."
    fi
    rule=$ROOT/etc/sudoers.d/shared-networks
    { allow | place "$rule.new" 440 && visudo -qcf "$rule.new" && mv -f "$rule.new" "$rule"; } || refuse 'The sudo rule could not be written.'
    at_boot | place "$ROOT/etc/systemd/system/$BOOT" 644 || refuse 'The unit that recovers at boot could not be written.'
    if installed systemctl; then systemctl --quiet enable "$BOOT" || refuse "$BOOT could not be enabled."; fi
    echo "Installed $PROGRAM $(version "$ROOT$PROGRAM")."
    echo "The fingerprints of this firewall's host keys, to compare with what the product shows:"
    for key in "$ROOT"/etc/ssh/ssh_host_*_key.pub; do [ ! -f "$key" ] || ssh-keygen -lf "$key"; done
}

# place FILE MODE: what comes on standard input, root's, put there in one move.
place() {
    mkdir -p "${1%/*}" && cat >"$1.placed" && chown 0:0 "$1.placed" && chmod "$2" "$1.placed" && mv -f "$1.placed" "$1"
}

# The one thing that the account may do, with the words that the client sent and no others.
allow() {
    echo "Defaults!$PROGRAM env_keep += SSH_ORIGINAL_COMMAND, !requiretty, !use_pty"
    echo "$ACCOUNT ALL=(root) NOPASSWD: $PROGRAM \"\""
}

at_boot() {
    echo '[Unit]'
    echo 'Description=Put back a firewall configuration that was never confirmed'
    echo 'DefaultDependencies=no'
    echo 'RequiresMountsFor=/var/lib/shared-networks'
    echo 'ConditionPathExists=/var/lib/shared-networks/pending'
    echo 'After=local-fs.target'
    echo 'Before=network-pre.target nftables.service systemd-networkd.service frr.service'
    echo
    echo '[Service]'
    echo 'Type=oneshot'
    echo 'Environment=APPLIER_INSIDE=1'
    echo "ExecStart=$PROGRAM recover"
    echo
    echo '[Install]'
    echo 'WantedBy=sysinit.target'
}

inside() { [ -n "${APPLIER_INSIDE:-}" ] || { echo 'Not over SSH.' >&2; exit 64; }; }

if [ $# -eq 0 ]; then
    # As the forced command of an SSH key: the words are the client's, and only those below are known.
    set -f
    # shellcheck disable=SC2086 # split into words on purpose
    set -- ${SSH_ORIGINAL_COMMAND:-}
    set +f
    case ${1:-} in install) set -- ;; esac
fi
case ${1:-} in
    apply) apply "${2:-}" ;;
    confirm) confirm "${2:-}" ;;
    show) show ;;
    version) version "$0" ;;
    rollback) inside; rollback "$2" "$3" ;;
    recover) inside; if [ -d "$PENDING" ]; then open_lock && take_lock && recover; fi ;;
    install) install "${2:-}" ;;
    *) echo 'This account runs the applier only: apply, confirm, show or version.' >&2; exit 64 ;;
esac
