#!/bin/bash
# record.sh [SECONDS]: records input.pcap.zst and truth.tsv (the server's access log) in the folder
# above: a real nginx in front of a small application, and real clients, in two network namespaces.
# Wants root and Debian's nginx, tcpdump, zstd, curl, iproute2, ethtool and python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-840}
work=$(mktemp -d)
client=tapline-rec-c server=tapline-rec-s
cleanup() {
  [ ! -s "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")" || true
  kill $(jobs -p) 2>/dev/null || true
  ip netns del $client || true
  ip netns del $server || true
  rm -rf "$work"
}
trap cleanup EXIT
ip netns add $client
ip netns add $server
ip link add rec-c netns $client type veth peer name rec-s netns $server
for n in $client $server; do ip -n $n link set lo up; done
for last in $(seq 10 13) 60 61 62 66; do ip -n $client addr add 10.88.0.$last/16 dev rec-c; done
ip -n $server addr add 10.88.1.1/16 dev rec-s
ip -n $client link set rec-c up
ip -n $server link set rec-s up
# What is captured is then what a wire would carry: no super-frames, no unfinished checksums.
for at in "$client rec-c" "$server rec-s"; do
  set -- $at
  ip netns exec "$1" ethtool -K "$2" gso off tso off gro off tx off rx off sg off >/dev/null 2>&1 || true
done
sed "s|FOLDER|$work|" "$here/nginx.conf" > "$work/nginx.conf"
ip netns exec $server python3 "$here/shop.py" 8099 "$work/outage" &
ip netns exec $server nginx -e "$work/error.log" -c "$work/nginx.conf"
ip netns exec $server tcpdump -i rec-s -s 0 -w "$work/input.pcap" tcp 2> "$work/tcpdump.log" &
dump=$!
until grep -q listening "$work/tcpdump.log"; do sleep 0.1; done
ip netns exec $client python3 "$here/clients.py" 10.88.1.1 "$seconds" 1 "$work/outage"
sleep 1
kill -TERM $dump
wait $dump || true
cat "$work/tcpdump.log"
zstd -q -19 -f "$work/input.pcap" -o "$here/../input.pcap.zst"
# Counts by host, method, template and status: what the inventory must list.
sed -E "s/^[^ ]+ //; s/\?[^ ]*//; s#/[0-9a-f-]{36}#/{}#; s#/(SKU-)?[0-9]+(-[0-9]+)*(/| )#/{}\3#" "$work/access.log" |
  sort | uniq -c | awk '{print $1 "\t" $2 "\t" $3 "\t" $4 "\t" $5}' > "$here/../truth.tsv"
ls -l "$here/.."
