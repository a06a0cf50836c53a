#!/usr/bin/env bash
# netlab.sh - a small internet in network namespaces: two public hosts and two
# hosts behind NATs of a chosen kind, with cables that can be made bad.
# Needs root, iproute2, nftables and Go. Nothing in it
# is reachable from outside, and it has no way out.
#
#   netlab.sh up   [-p NAME] [-a NAT] [-b NAT] [-t SECONDS] [-link]
#   netlab.sh down [-p NAME]
#   netlab.sh run  [-p NAME] [-a NAT] [-b NAT] [-t SECONDS] [-link] -- COMMAND...
#   netlab.sh exec [-p NAME] HOST COMMAND...
#   netlab.sh link [-p NAME] a|b 'delay=40ms jitter=5ms loss=2 dup=1 reorder=2 corrupt=0.1 rate=2M queue=64000'
#   netlab.sh drop [-p NAME] a|b PERCENT          (loss by nftables, no -link needed)
#   netlab.sh slow [-p NAME] a|b RATE|off         (rate by tc tbf, for example 1mbit)
#   netlab.sh check                               (tries every NAT kind; ends 0 if all are right)
#
# HOST: pub pub2 a b nata natb.   NAT: fullcone restricted portrestricted symmetric noudp
#
#   pub  198.51.100.1 and .2      pub2  198.51.100.3
#   a    10.77.1.2 -> nata 198.51.100.11     b  10.77.2.2 -> natb 198.51.100.12
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
P=tl NATA=portrestricted NATB=portrestricted LINK=0 UDPT=120
die() { echo "netlab: $*" >&2; exit 1; }
ns() { echo "$P-$1"; }
inn() { local h=$1; shift; ip netns exec "$(ns "$h")" "$@"; }
state() { echo "${NETLAB_STATE:-${TMPDIR:-/tmp}/netlab-$P}"; }
have() { ip netns list | grep -qw -- "$(ns "$1")"; }
tool() { # build a tool once, print where it is
  local d=${NETLAB_BIN:-${TMPDIR:-/tmp}/netlab-bin}; mkdir -p "$d"
  if [ ! -x "$d/$1" ] || [ -n "$(find "$HERE/$1" -name '*.go' -newer "$d/$1")" ]; then
    (cd "$HERE" && go build -buildvcs=false -o "$d/$1" "./$1") || die "cannot build $1"
  fi
  echo "$d/$1"
}

nat_rules() { # kind, outside address, inside host
  local kind=$1 wip=$2 host=$3 snat pre="" fwd="" out=""
  local outward="iifname lan oifname wan meta l4proto { tcp, udp }"
  snat="oifname wan snat to $wip"
  case $kind in
    portrestricted) ;;
    symmetric) snat="oifname wan masquerade fully-random" ;;
    noudp) fwd="meta l4proto udp drop" ;;
    fullcone)
      out="$outward update @mapped { meta l4proto . th sport }"
      pre="iifname wan meta l4proto { tcp, udp } dnat to $host"
      fwd="iifname wan oifname lan meta l4proto . th dport @mapped accept" ;;
    restricted)
      out="$outward update @peers { ip daddr . meta l4proto . th sport }"
      pre="iifname wan meta l4proto { tcp, udp } dnat to $host"
      fwd="iifname wan oifname lan ip saddr . meta l4proto . th dport @peers accept" ;;
    *) die "unknown NAT kind $kind" ;;
  esac
  # Packets from outside that match nothing are dropped before conntrack keeps
  # them: else they would take the port and the NAT would answer a hole punch
  # with a different source port than the one announced.
  cat <<N
table ip lab {
  set mapped { type inet_proto . inet_service; flags dynamic,timeout; timeout ${UDPT}s; }
  set peers { type ipv4_addr . inet_proto . inet_service; flags dynamic,timeout; timeout ${UDPT}s; }
  chain faults { type filter hook prerouting priority -400; }
  chain outside { type nat hook prerouting priority dstnat; $pre
  }
  chain leaving { type nat hook postrouting priority srcnat; $snat
  }
  chain forward_ { type filter hook forward priority filter; policy drop;
    $out
    $fwd
    ct state established,related accept
    iifname lan oifname wan accept
  }
  chain input_ { type filter hook input priority filter; policy drop;
    iifname { lan, lo } accept
    ct state established,related accept
    meta l4proto icmp accept
  }
}
N
}

side() { # letter, number, NAT kind
  local s=$1 n=$2 kind=$3 wip=198.51.100.1$2
  ip netns add "$(ns nat$s)"; ip netns add "$(ns $s)"
  local x=$P-w$s y=$P-x$s
  if [ $LINK = 1 ]; then
    : >"$(state)/$s.log"
    "$(tool linkem)" -a "$x" -b "$y" -ctl "$(state)/$s.sock" >"$(state)/$s.log" 2>&1 &
    echo $! >"$(state)/$s.pid"; disown
    for _ in $(seq 50); do grep -q ready "$(state)/$s.log" && break; sleep 0.1; done
    grep -q ready "$(state)/$s.log" || die "linkem did not start: $(cat "$(state)/$s.log")"
  else
    ip link add "$x" type veth peer name "$y"
  fi
  ip link set "$x" netns "$(ns nat$s)"; ip link set "$y" netns "$(ns pub)"
  inn nat$s ip link set "$x" name wan; inn nat$s ip addr add $wip/24 dev wan; inn nat$s ip link set wan up
  inn pub ip link set "$y" master br0; inn pub ip link set "$y" up
  ip link add $P-l$s type veth peer name $P-h$s
  ip link set $P-l$s netns "$(ns nat$s)"; ip link set $P-h$s netns "$(ns $s)"
  inn nat$s ip link set $P-l$s name lan; inn nat$s ip addr add 10.77.$n.1/24 dev lan
  inn nat$s ip link set lan up; inn nat$s ip link set lo up
  inn $s ip link set $P-h$s name eth0; inn $s ip addr add 10.77.$n.2/24 dev eth0
  inn $s ip link set eth0 up; inn $s ip link set lo up; inn $s ip route add default via 10.77.$n.1
  inn nat$s sysctl -qw net.ipv4.ip_forward=1
  inn nat$s sysctl -qw net.netfilter.nf_conntrack_udp_timeout=$UDPT net.netfilter.nf_conntrack_udp_timeout_stream=$UDPT
  nat_rules "$kind" $wip 10.77.$n.2 >"$(state)/$s.nft"
  inn nat$s nft -f "$(state)/$s.nft"
}

up() {
  have pub && die "lab $P is already up (netlab.sh down -p $P)"
  mkdir -p "$(state)"
  trap down EXIT # whatever fails on the way takes the rest away
  ip netns add "$(ns pub)"; ip netns add "$(ns pub2)"
  inn pub ip link add br0 type bridge; inn pub ip link set br0 up; inn pub ip link set lo up
  inn pub ip addr add 198.51.100.1/24 dev br0; inn pub ip addr add 198.51.100.2/24 dev br0
  ip link add $P-p2 type veth peer name $P-q2
  ip link set $P-p2 netns "$(ns pub)"; ip link set $P-q2 netns "$(ns pub2)"
  inn pub ip link set $P-p2 master br0; inn pub ip link set $P-p2 up
  inn pub2 ip link set $P-q2 name eth0; inn pub2 ip addr add 198.51.100.3/24 dev eth0
  inn pub2 ip link set eth0 up; inn pub2 ip link set lo up
  side a 1 "$NATA"; side b 2 "$NATB"
  trap - EXIT
}

down() {
  local h p
  for h in a b nata natb pub2 pub; do
    have $h || continue
    for p in $(ip netns pids "$(ns $h)" 2>/dev/null); do kill "$p" 2>/dev/null || true; done
  done
  for h in a b; do
    [ -f "$(state)/$h.pid" ] && kill "$(cat "$(state)/$h.pid")" 2>/dev/null || true
  done
  for h in a b nata natb pub2 pub; do have $h && ip netns del "$(ns $h)" || true; done
  rm -rf "$(state)"
}

check() {
  local bad=0 kind want got probe; probe=$(tool natprobe)
  for kind in fullcone restricted portrestricted symmetric noudp; do
    P=tlchk NATA=$kind NATB=portrestricted; down; up
    inn pub "$probe" serve 198.51.100.1 198.51.100.2 & local sp=$!
    sleep 0.3
    got=$(inn a "$probe" ask 198.51.100.1 198.51.100.2 || true)
    case $kind in
      fullcone) want="mapping=same filtering=open" ;;
      restricted) want="mapping=same filtering=address" ;;
      portrestricted) want="mapping=same filtering=address-and-port" ;;
      symmetric) want="mapping=per-peer filtering=address-and-port" ;;
      noudp) want="no udp" ;;
    esac
    if [ "$got" = "$want" ]; then echo "ok   $kind: $got"; else echo "BAD  $kind: $got (want $want)"; bad=1; fi
    kill $sp 2>/dev/null || true; wait $sp 2>/dev/null || true; down
  done
  # hole punching: which pairs of NATs can meet through a rendezvous
  for pair in fullcone:symmetric restricted:symmetric restricted:restricted portrestricted:portrestricted portrestricted:symmetric symmetric:symmetric; do
    P=tlchk NATA=${pair%:*} NATB=${pair#*:}; up
    inn pub "$probe" meet 198.51.100.1 & local mp=$!
    sleep 0.3
    inn b "$probe" punch 198.51.100.1 >"$(state)/b.out" 2>&1 & local bp=$!
    got=$(inn a "$probe" punch 198.51.100.1 || true); wait $bp || true
    case $pair in portrestricted:symmetric|symmetric:symmetric) want=relay ;; *) want=direct ;; esac
    if [ "$got" = "$want" ]; then echo "ok   $pair: $got"; else echo "BAD  $pair: $got (want $want)"; bad=1; fi
    kill $mp 2>/dev/null || true; wait $mp 2>/dev/null || true; down
  done
  return $bad
}

[ $# -ge 1 ] || { sed -n '2,20p' "$0"; exit 2; }
CMD=$1; shift
while [ $# -gt 0 ]; do
  case $1 in
    -p) P=$2; shift 2 ;;
    -a) NATA=$2; shift 2 ;;
    -b) NATB=$2; shift 2 ;;
    -t) UDPT=$2; shift 2 ;;
    -link) LINK=1; shift ;;
    --) shift; break ;;
    *) break ;;
  esac
done
case $CMD in
  up) up ;;
  down) down ;;
  run) up; trap down EXIT; rc=0; NETLAB=$P "$@" || rc=$?; exit $rc ;;
  exec) h=$1; shift; exec ip netns exec "$(ns "$h")" "$@" ;;
  link) s=$1; shift; [ -S "$(state)/$s.sock" ] || die "cable $s is not adjustable: start the lab with -link"
        "$(tool linkem)" -say "$(state)/$s.sock" -set "$*" ;;
  drop) s=$1; inn nat$s nft flush chain ip lab faults
        [ "$2" = 0 ] || { inn nat$s nft add rule ip lab faults iifname '{ wan, lan }' numgen random mod 10000 '<' "$(awk "BEGIN{print int($2*100)}")" drop; } ;;
  slow) s=$1; for d in wan lan; do inn nat$s tc qdisc del dev $d root 2>/dev/null || true
          [ "$2" = off ] || inn nat$s tc qdisc add dev $d root tbf rate "$2" burst 16kb latency 200ms; done ;;
  check) check ;;
  *) die "unknown command $CMD" ;;
esac
