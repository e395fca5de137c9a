#!/bin/sh
# Made the files beside it, with openssl 3.0 alone: keys, CSRs, authorities and
# CRLs that somebody else's program wrote.  Run in an empty folder of its own
# to make them anew; no private key is kept.
set -eu
id=01JDE0V5Y8M3T1K3ZJ6X4N9Q2B
out=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# ---- keys ----
ec() {	# NAME CURVE OPTION...
	name=$1 curve=$2
	shift 2
	openssl ecparam -name "$curve" -genkey -noout "$@" -out "$name.pem"
}
ec p256 prime256v1
ec p384 secp384r1
ec p521 secp521r1
ec brainpool brainpoolP256r1
ec secp256k1 secp256k1
ec explicit prime256v1 -param_enc explicit
openssl genpkey -quiet -algorithm ed25519 -out ed25519.pem
openssl genpkey -quiet -algorithm ed448 -out ed448.pem
openssl genpkey -quiet -algorithm x25519 -out x25519.pem
openssl genrsa -out rsa.pem 2048 2>/dev/null
openssl genrsa -out rsa1024.pem 1024 2>/dev/null
openssl genrsa -3 -out rsa-e3.pem 2048 2>/dev/null
openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 \
    -out pss.pem
openssl genpkey -genparam -algorithm DSA -out dsaparam.pem \
    -pkeyopt dsa_paramgen_bits:2048 2>/dev/null
openssl genpkey -paramfile dsaparam.pem -out dsa.pem
for k in p256 p384 p521 brainpool secp256k1 explicit ed25519 ed448 x25519 \
    rsa rsa1024 rsa-e3 pss dsa; do
	openssl pkey -in $k.pem -pubout -outform DER -out "$out/spki-$k.der"
done
openssl ec -in p256.pem -pubout -conv_form compressed -outform DER \
    -out "$out/spki-compressed.der" 2>/dev/null
openssl ec -in p256.pem -pubout -conv_form hybrid -outform DER \
    -out "$out/spki-hybrid.der" 2>/dev/null

# ---- CSRs ----
csr() {	# NAME KEY OPTION...
	name=$1 key=$2
	shift 2
	openssl req -new -key "$key.pem" -outform DER -out "$out/csr-$name.der" \
	    -config req.cnf "$@"
}
cat >req.cnf <<-EOF
	[req]
	prompt = no
	distinguished_name = dn
	[dn]
	CN = $id
EOF
csr p256 p256
csr p256-sha384 p256 -sha384
csr p256-sha512 p256 -sha512
csr p384 p384 -sha384
csr ed25519 ed25519
csr rsa rsa
csr rsa-sha512 rsa -sha512
csr p256-sha1 p256 -sha1
csr p256-sha224 p256 -sha224
csr rsa-sha1 rsa -sha1
csr rsa-md5 rsa -md5
csr rsa-pss rsa -sigopt rsa_padding_mode:pss
csr p521 p521
csr explicit explicit
csr rsa1024 rsa1024
csr pss pss
ext() {	# NAME EXTENSION
	csr "$1" p256 -addext "$2"
}
ext ca-true 'basicConstraints=critical,CA:TRUE'
ext key-cert-sign 'keyUsage=critical,keyCertSign,cRLSign'
ext san 'subjectAltName=DNS:db1.example.com'
ext constraints 'nameConstraints=permitted;DNS:.example.com'
ext any-eku 'extendedKeyUsage=anyExtendedKeyUsage'
ext unknown '1.2.3.4.5=critical,DER:0500'
cat >password.cnf <<-EOF
	[req]
	prompt = no
	distinguished_name = dn
	attributes = at
	[dn]
	CN = $id
	[at]
	challengePassword = example
EOF
openssl req -new -key p256.pem -config password.cnf -outform DER \
    -out "$out/csr-password.der"
csr two-rdn p256 -subj "/CN=$id/O=x"
csr multi-rdn p256 -multivalue-rdn -subj "/CN=$id+O=x"
csr other-cn p256 -subj '/CN=alice'
csr lower-cn p256 -subj "/CN=$(echo $id | tr A-Z a-z)"
csr other-type p256 -subj "/O=$id"
csr no-subject p256 -subj /
openssl req -new -key p256.pem -config req.cnf -outform PEM \
    -out "$out/csr-p256.pem"

# ---- authorities ----
ca() {	# NAME KEY EXTENSION-LINES OPTION...
	name=$1 key=$2 ext=$3
	shift 3
	printf '%b\n' "$ext" >ext.cnf
	openssl req -new -key "$key.pem" -config req.cnf \
	    -subj "/C=DE/O=Example Corp, Inc./CN=Example $name" -out ca.csr
	openssl x509 -req -in ca.csr -days 36500 -extfile ext.cnf \
	    -outform DER -out "$out/ca-$name.der" "$@" 2>/dev/null
}
bc='basicConstraints=critical,CA:TRUE'
ku='keyUsage=critical,keyCertSign,cRLSign'
ski='subjectKeyIdentifier=hash'
aki='authorityKeyIdentifier=keyid'
root="$bc\n$ku\n$ski\n$aki"
self() {	# NAME KEY EXTENSION-LINES OPTION...
	key=$2
	name=$1 lines=$3
	shift 3
	ca "$name" "$key" "$lines" -signkey "$key.pem" "$@"
}
self root p384 "$root" -sha384
self root-rsa rsa "$root" -sha512
self root-ed25519 ed25519 "$root"
self root-pathlen1 p256 "$bc,pathlen:1\n$ku\n$ski"
self root-pathlen2 p256 "$bc,pathlen:2\n$ku\n$ski"
self root-sha1 p256 "$root" -sha1
self root-p521 p521 "$root"
self root-explicit explicit "$root"
self root-rsa1024 rsa1024 "$root"
self not-critical p256 "basicConstraints=CA:TRUE\n$ku\n$ski"
self ca-false p256 "basicConstraints=critical,CA:FALSE\n$ku\n$ski"
self no-basic p256 "$ku\n$ski"
self no-usage p256 "$bc\n$ski"
self usage-not-critical p256 "$bc\nkeyUsage=keyCertSign,cRLSign\n$ski"
self more-usage p256 "$bc\n$ku,digitalSignature\n$ski"
self less-usage p256 "$bc\nkeyUsage=critical,keyCertSign\n$ski"
self no-ski p256 "$bc\n$ku\nsubjectKeyIdentifier=none"
self email-only p256 "$root\nextendedKeyUsage=emailProtection"
self any-usage p256 "$root\nextendedKeyUsage=anyExtendedKeyUsage"
self critical-unknown p256 "$root\n1.2.3.4.5=critical,DER:0500"
openssl req -new -key p256.pem -config req.cnf -out v1.csr
openssl x509 -req -in v1.csr -signkey p256.pem -outform DER \
    -out "$out/ca-v1.der" 2>/dev/null
openssl x509 -inform DER -in "$out/ca-root.der" -out root.pem
below() {	# NAME KEY EXTENSION-LINES
	ca "$1" "$2" "$3" -CA root.pem -CAkey p384.pem -CAcreateserial -sha384 \
	    -days 36400
}
issuing="$bc,pathlen:0\n$ku\n$ski\n$aki"
below issuing p256 "$issuing\ncertificatePolicies=1.2.3.4"
below issuing-eku rsa "$issuing\nextendedKeyUsage=clientAuth"
below issuing-nc ed25519 \
    "$issuing\nnameConstraints=critical,permitted;DNS:example.com"
below issuing-keyid-issuer p256 \
    "$bc,pathlen:0\n$ku\n$ski\nauthorityKeyIdentifier=keyid:always,issuer:always"
below issuing-no-pathlen p256 "$bc\n$ku\n$ski\n$aki"
below issuing-pathlen1 p256 "$bc,pathlen:1\n$ku\n$ski\n$aki"
below issuing-no-aki p256 \
    "$bc,pathlen:0\n$ku\n$ski\nauthorityKeyIdentifier=none"

# ---- CRLs of root-pathlen1, whose key is p256 ----
openssl x509 -inform DER -in "$out/ca-root-pathlen1.der" -out crlca.pem
crl() {	# NAME CONFIG-LINES OPTION...
	name=$1 lines=$2
	shift 2
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=db\ncrlnumber=num\n' >crl.cnf
	printf 'default_md=sha256\n%b\n' "$lines" >>crl.cnf
	openssl ca -config crl.cnf -gencrl -keyfile p256.pem -cert crlca.pem \
	    -crldays 36500 -out crl.pem "$@" 2>/dev/null
	openssl crl -in crl.pem -outform DER -out "$out/crl-$name.der"
}
ours='crl_extensions=x\n[x]\nauthorityKeyIdentifier=keyid'
echo 1000 >num
: >db
crl empty "$ours"
revoked() {	# SERIAL REASON
	printf 'R\t491231000000Z\t260102030405Z%s\t%s\tunknown\t/CN=x\n' "$2" "$1"
}
revoked 01 '' >db
revoked 5A0102030405060708090A0B0C0D0E0F '' >>db
crl two "$ours"
crl sha1 "$ours" -md sha1
crl idp "$ours\nissuingDistributionPoint=critical,@i\n[i]\nonlyuser=TRUE"
crl no-aki 'crl_extensions=x\n[x]\nissuerAltName=DNS:x.example'
revoked 01 ',keyCompromise' >db
crl reason "$ours"
