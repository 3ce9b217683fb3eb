# Certificates of every kind, in the current folder: NAME.pem and NAME.key. Made up, and none is
# trusted by anybody. Sourced by record.sh.
day() { date -u -d "$1 days" +%Y%m%d%H%M%SZ; }
mkdir -p issued
: > index.txt
echo 01 > serial
cat > ca.cnf <<'END'
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = issued
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:false
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = dn
[dn]
END
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/O=Tapline tests/CN=Tapline Test CA" \
  -keyout ca.key -out ca.pem -config /etc/ssl/openssl.cnf 2>/dev/null

# issue NAME DNS FROM_DAY TO_DAY KEY_OPTIONS [CA_OPTIONS...]
issue() {
  local name=$1 dns=$2 from=$3 to=$4 key=$5
  shift 5
  openssl req -new -newkey $key -nodes -subj "/CN=${dns%%,*}" -addext "subjectAltName=DNS:${dns//,/,DNS:}" \
    -keyout "$name.key" -out "$name.csr" -config /etc/ssl/openssl.cnf 2>/dev/null
  openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in "$name.csr" -out "$name.pem" \
    -startdate "$(day "$from")" -enddate "$(day "$to")" "$@" 2>/dev/null
}
openssl ecparam -name prime256v1 -out p256.txt
openssl ecparam -name prime192v1 -out p192.txt
issue good shop.test,*.shop.test -60 305 rsa:2048
issue expired expired.test -400 -3 rsa:2048
issue early early.test 2 300 rsa:2048
issue soon soon.test -353 12 rsa:2048
issue short-lived short-lived.test -1 6 rsa:2048
issue mutual mutual.test -10 300 rsa:2048
issue client client.test -10 300 rsa:2048
issue weak-key weak-key.test -10 300 rsa:1024
issue sha1 sha1.test -10 300 rsa:2048 -md sha1
issue md5 md5.test -10 300 rsa:2048 -md md5
issue ec ec.test -10 300 ec:p256.txt
issue p192 p192.test -10 300 ec:p192.txt
issue ed25519 ed25519.test -10 300 ed25519
issue pss pss.test -10 300 rsa:3072 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
issue many "$(seq -s, -f 'host-%g.many.test' 0 299)" -10 300 rsa:4096
openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=self.test" -addext "subjectAltName=DNS:self.test" \
  -keyout self.key -out self.pem -config /etc/ssl/openssl.cnf 2>/dev/null
cat ca.pem >> good.pem
