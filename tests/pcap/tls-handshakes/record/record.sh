#!/bin/bash
# record.sh: records input.pcap.zst in the folder above: a real nginx and OpenSSL's own server with
# certificates of every kind, and real clients, in two network namespaces. expected.tsv says what
# each server is set up to be. Wants root and Debian's nginx, openssl (3.0), tcpdump, zstd, curl,
# iproute2 and ethtool. Certificates begin and end around the day of recording.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
client=tapline-tls-c server=tapline-tls-s
cleanup() {
  [ ! -s "$work/nginx.pid" ] || kill "$(cat "$work/nginx.pid")" || true
  kill $(jobs -p) 2>/dev/null || true
  ip netns del $client || true
  ip netns del $server || true
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
. "$here/certificates.sh"

ip netns add $client
ip netns add $server
ip link add tls-c netns $client type veth peer name tls-s netns $server
for n in $client $server; do ip -n $n link set lo up; done
ip -n $client addr add 10.89.0.10/16 dev tls-c
for last in $(seq 1 30); do ip -n $server addr add 10.89.1.$last/16 dev tls-s; done
ip -n $client link set tls-c up
ip -n $server link set tls-s up
# What is captured is then what a wire would carry: no super-frames, no unfinished checksums.
for at in "$client tls-c" "$server tls-s"; do
  set -- $at
  ip netns exec "$1" ethtool -K "$2" gso off tso off gro off tx off rx off sg off >/dev/null 2>&1 || true
done
sed "s|FOLDER|$work|g" "$here/nginx.conf" > nginx.conf
ip netns exec $server nginx -e "$work/error.log" -c "$work/nginx.conf"

# serve LAST CERTIFICATE OPTIONS...: OpenSSL's own server. LAST is of its address.
serve() {
  local last=$1 name=$2
  shift 2
  ip netns exec $server openssl s_server -accept "10.89.1.$last:443" -cert "$name.pem" -key "$name.key" \
    -quiet -www "$@" > "server-$last.log" 2>&1 &
}
weak="ALL:eNULL:@SECLEVEL=0"
serve 10 weak-key -cipher "$weak"
serve 11 sha1 -cipher "$weak"
serve 12 md5 -cipher "$weak"
serve 13 good -tls1 -cipher "$weak"
serve 14 good -tls1_1 -cipher "$weak"
serve 15 good -cipher "$weak"
serve 16 ec
serve 17 ed25519
serve 18 many -cert_chain many.pem
serve 19 p192 -cipher "$weak"
serve 20 pss
serve 21 good -alpn h2
sleep 1

ip netns exec $server tcpdump -i tls-s -s 0 -w input.pcap tcp 2> tcpdump.log &
dump=$!
until grep -q listening tcpdump.log; do sleep 0.1; done

# ask LAST NAME OPTIONS...: curl, with the name resolved to a server.
ask() {
  local last=$1 name=$2
  shift 2
  ip netns exec $client curl -ksS -o /dev/null --ciphers "$weak" --resolve "$name:443:10.89.1.$last" \
    "$@" "https://$name/" || true
}
# hand LAST OPTIONS...: OpenSSL's own client.
hand() {
  local last=$1
  shift
  (printf 'GET / HTTP/1.0\r\n\r\n'; sleep 0.3) |
    ip netns exec $client openssl s_client -connect "10.89.1.$last:443" "$@" > "client-$last.log" 2>&1 || true
}
for version in 1.2 1.3; do
  for name in shop.test api.shop.test expired.test early.test soon.test self.test mutual.test; do
    ask 1 $name --tls-max $version
  done
done
ask 1 elsewhere.test --tls-max 1.2
ask 1 deep.api.shop.test --tls-max 1.2
ask 1 short-lived.test --tls-max 1.2
ask 1 mutual.test --tls-max 1.2 --cert client.pem --key client.key
ask 10 weak-key.test --tls-max 1.2
ask 11 sha1.test --tls-max 1.2
ask 12 md5.test --tls-max 1.2
hand 13 -servername shop.test -tls1 -cipher "$weak"
hand 14 -servername shop.test -tls1_1 -cipher "$weak"
hand 15 -servername shop.test -tls1_2 -cipher "NULL-SHA256:@SECLEVEL=0"
hand 15 -servername shop.test -tls1_2 -cipher "ADH-AES128-SHA256:@SECLEVEL=0"
hand 15 -servername shop.test -tls1_2 -cipher "ECDHE-RSA-AES128-GCM-SHA256" -reconnect
hand 15 -noservername -tls1_2
hand 16 -servername ec.test -tls1_2
hand 17 -servername ed25519.test -tls1_2
hand 18 -servername host-7.many.test -tls1_2
hand 19 -servername p192.test -tls1_2 -cipher "$weak" -groups P-192:P-256
hand 20 -servername pss.test -tls1_2
hand 21 -servername shop.test -tls1_2 -alpn h2,http/1.1
# A group that the server does not know first: it asks for another hello.
hand 1 -servername shop.test -tls1_3 -groups ffdhe4096:P-256
sleep 1
kill -TERM $dump
wait $dump || true
cat tcpdump.log
zstd -q -19 -f input.pcap -o "$here/../input.pcap.zst"
ls -l "$here/.."
