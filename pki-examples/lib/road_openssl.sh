# shellcheck shell=bash
# The CA's side of road.sh by `openssl ca`: a root, an issuing CA under it, and
# leaves as jit-cert issues them, from the same policy file.  No approvals, no
# log: it stands in until jit-cert itself issues X.509, and goes then.

road_begin() {
	local ca
	road_folder
	ROAD_POLICY=$(realpath "$1")
	ca=$ROAD/ca
	mkdir -p "$ca/new" "$ROAD/bin"
	chmod 700 "$ca"
	: >"$ca/root.index"
	: >"$ca/issuing.index"
	echo 01 >"$ca/root.crlnumber"
	echo 01 >"$ca/issuing.crlnumber"
	{ road_ca_config root; road_ca_config issuing; } >"$ca/ca.cnf"
	road_ca_key root
	road_ca_key issuing
	openssl req -x509 -new -key "$ca/root.key" -days 2 -subj '/CN=jit root' \
	    -addext 'keyUsage=critical,keyCertSign,cRLSign' \
	    -out "$ca/root.pem" 2>/dev/null
	road_sign root "$(road_time -60)" "$(road_time 86400)" \
	    '/CN=jit issuing' "$ca/issuing.key" "$ca/issuing.pem" <<-END
	basicConstraints = critical, CA:TRUE, pathlen:0
	keyUsage = critical, keyCertSign, cRLSign
	extendedKeyUsage = clientAuth, serverAuth
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	END
	CLIENT_CA=$ROAD/client-ca.pem
	cat "$ca/issuing.pem" "$ca/root.pem" >"$CLIENT_CA"
	road_plugin
}

road_cert() {
	local role=$1 seconds=$2 dir=$3 ca=$ROAD/ca id want
	id=$(road_ulid)
	mkdir -p "$dir"
	want=$(road_policy "$ROAD_POLICY" "$role" "$seconds" "$id") ||
	    fail "the policy does not let alice have $role"
	(umask 077 && road_key "$dir/key.pem")
	# notAfter is a second before the window's end.
	road_sign issuing "$(road_time 0)" "$(road_time "$((seconds - 1))")" \
	    "${want%%$'\n'*}" "$dir/key.pem" "$dir/leaf.pem" <<<"${want#*$'\n'}"
	cat "$dir/leaf.pem" "$ca/issuing.pem" >"$dir/cert.pem"
	rm "$dir/leaf.pem"
	road_read "$dir"
}

road_with() {
	local role=$1 seconds=$2 got=0
	shift 2
	rm -rf "$ROAD/held"
	road_cert "$role" "$seconds" "$ROAD/held/$role"
	PATH="$ROAD/bin:$PATH" "$@" || got=$?
	return "$got"
}

road_crl() {
	local name
	for name in issuing root; do
		openssl ca -config "$ROAD/ca/ca.cnf" -name "$name" -gencrl \
		    -crldays 1 2>/dev/null
	done >"$1.new"
	mv "$1.new" "$1"
}

road_revoke() {
	openssl ca -config "$ROAD/ca/ca.cnf" -name issuing \
	    -revoke "$ROAD/ca/new/$SERIAL.pem" 2>/dev/null
}

# ---- what is under them ----------------------------------------------------

road_ca_config() {
	cat <<-END
	[ $1 ]
	database = $ROAD/ca/$1.index
	crlnumber = $ROAD/ca/$1.crlnumber
	new_certs_dir = $ROAD/ca/new
	certificate = $ROAD/ca/$1.pem
	private_key = $ROAD/ca/$1.key
	rand_serial = yes
	default_md = sha256
	policy = anything
	unique_subject = no
	email_in_dn = no
	[ anything ]
	commonName = supplied
	organizationName = optional
	END
}

road_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$1" 2>/dev/null
}

road_ca_key() { road_key "$ROAD/ca/$1.key"; }

# road_time SECONDS: now and so much, as openssl ca wants it.
road_time() { date -u -d "@$(($(date +%s) + $1))" +%y%m%d%H%M%SZ; }

# road_sign CA START END SUBJECT KEY FILE: extensions on stdin.
road_sign() {
	openssl req -new -utf8 -key "$5" -subj "$4" -out "$6.csr" 2>/dev/null
	openssl ca -batch -notext -config "$ROAD/ca/ca.cnf" -name "$1" -utf8 \
	    -startdate "$2" -enddate "$3" -in "$6.csr" -out "$6" \
	    -extfile <(cat) 2>"$ROAD/ca/openssl.log" ||
	    { cat "$ROAD/ca/openssl.log" >&2; fail "openssl ca"; }
	rm "$6.csr"
}

road_ulid() {
	python3 -c 'import os, time
n = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
d = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
print("".join(d[n >> s & 31] for s in range(125, -1, -5)))'
}

# The role as the policy has it: a line with the subject, then extensions.
road_policy() {
	python3 - "$@" <<-'END'
	import sys, yaml
	file, name, seconds, request = sys.argv[1:]
	policy = yaml.safe_load(open(file))
	role = policy["roles"][name]
	assert role["kind"] == "x509", name + " is no role of X.509"
	alice = policy["people"]["alice"]
	assert set(role["request"]["of"]) & set(alice["groups"]), "alice may not"
	unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}
	most = int(role["max"][:-1]) * unit[role["max"][-1]]
	assert 0 < int(seconds) <= most, "longer than max"
	fill = lambda s: s.replace("{person}", "alice")
	subject = role["subject"]
	print("/CN=" + fill(subject["cn"]) +
	      "".join("/O=" + fill(o) for o in subject.get("o", [])))
	server = role["profile"] == "server"
	print("basicConstraints = critical, CA:FALSE")
	print("keyUsage = critical, digitalSignature")
	print("extendedKeyUsage = " + ("serverAuth" if server else "clientAuth"))
	print("subjectKeyIdentifier = hash")
	print("authorityKeyIdentifier = keyid")
	sans = [fill(s) for s in role.get("sans", [])]
	print("subjectAltName = " +
	      ", ".join(sans + ["URI:urn:jit:grant:" + request]))
	if role["revocation"] == "expiry":
	    print("2.5.29.56 = DER:05:00")
	else:
	    print("crlDistributionPoints = URI:" + role["revocation"])
	END
}

# `jit-cert kube ROLE ...`: the certificate that is held, while it lives.
road_plugin() {
	cat >"$ROAD/bin/jit-cert" <<-END
	#!/usr/bin/env bash
	set -eu
	[ "\$1" = kube ] || { echo "jit-cert: only kube here" >&2; exit 2; }
	cd "$ROAD/held/\$2"
	END
	cat >>"$ROAD/bin/jit-cert" <<-'END'
	openssl x509 -in cert.pem -noout -checkend 0 >/dev/null ||
	    { echo "jit-cert: the window is over" >&2; exit 11; }
	exec python3 -c 'import json, sys
	from datetime import datetime as d
	key, cert, end = open("key.pem").read(), open("cert.pem").read(), sys.argv[1]
	end = d.strptime(end, "notAfter=%b %d %H:%M:%S %Y GMT")
	print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1",
	    "kind": "ExecCredential", "status": {
	    "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
	    "clientCertificateData": cert, "clientKeyData": key}}))
	' "$(openssl x509 -in cert.pem -noout -enddate)"
	END
	chmod 755 "$ROAD/bin/jit-cert"
}
