# shellcheck shell=bash
# What every example's `run` shares: certificates, servers, and the words.
# Sourced by bash (set -euo pipefail); the caller's folder is $HERE.
#
#	road_begin POLICY.yaml
#		A folder $ROAD, gone at the end; the people alice and bob; a
#		CA under that policy.  $CLIENT_CA: a PEM file with the CA's
#		chain, root last, which the server trusts for *clients*.
#	road_cert ROLE SECONDS DIR
#		Alice asks for the role for so long, bob approves, alice
#		collects: DIR/key.pem, DIR/cert.pem (the leaf, then its chain).
#		Sets $SERIAL (hex, upper case, as OpenSSL prints it) and
#		$REQUEST (the request's id).
#	road_with ROLE SECONDS COMMAND...
#		Runs a command in which jit-cert asks by itself (kube, exec),
#		as alice; bob approves.  Sets both too; status: the command's.
#	road_crl FILE	the present CRLs of the whole chain, PEM
#	road_revoke	takes the last $REQUEST back
#		These five come from the CA's side, see the end of this file.
#
#	road_server_cert DIR NAME [rsa]
#		A TLS server's DIR/key.pem and DIR/cert.pem, from another CA
#		made for it: $SERVER_CA, which *clients* trust.
#	road_stranger DIR SUBJECT
#		A client certificate with that subject, of that other CA.
#	road_spawn NAME COMMAND...
#		In the background, output in $ROAD/NAME.log; sets $PID.
#	road_as USER COMMAND...
#		As that user when we are root; else as we are.  For road_spawn
#		as well: the program replaces the shell.
#	road_stop PID	ends what road_spawn started, and waits for it
#	road_until	sleeps until the last certificate has ended
#	road_port	prints a free port of loopback
#	road_wait WHAT COMMAND...	until it works, 10 s at most
#	road_needs PROGRAM WORDS...	or ends with 77: nothing was tried
#	road_end	ends what was started, removes $ROAD (also a trap)
#
#	session_save FILE ADDRESS DIR ARGS...
#		A TLS session with DIR's certificate, kept in FILE if the
#		server gives one; fails if the server did not take it.
#		ARGS go to openssl s_client; stdin is sent.
#	session_again FILE ADDRESS DIR ARGS...
#		The same with the kept session: works if it was *resumed*.
#
#	say WORDS	a heading	tell WORDS	a line of explanation
#	must_work WORDS COMMAND...		or the example fails
#	must_fail WORDS PATTERN COMMAND...	must be refused, with a
#		line that says PATTERN (an extended regular expression)
#	saw PATTERN	the last command's output says so	fail WORDS
#
# Real time passes: windows are of some seconds, nobody's clock is moved.

# The programs of a build, when the caller of `run` names their folder.
[ $# -eq 0 ] || PATH=$(cd "$1" && pwd):$PATH

ROAD=''
ROAD_PIDS=()
ROAD_LAST=''

# ---- telling the story -----------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	road_bold=$'\033[1m' road_off=$'\033[0m'
else
	road_bold='' road_off=''
fi

say() { printf '\n%s%s%s\n' "$road_bold" "$*" "$road_off"; }

tell() { printf '   %s\n' "$*"; }

fail() {
	local log
	printf '\nEXAMPLE FAILED: %s\n' "$*" >&2
	for log in "$ROAD"/out "$ROAD"/*.log; do
		[ ! -s "$log" ] || { echo "--- $log"; tail -n 15 "$log"; } >&2
	done
	exit 1
}

saw() {
	grep -qE -- "$1" "$ROAD/out" || fail "nothing there says \"$1\""
}

must_work() {
	local words=$1 got=0
	shift
	"$@" >"$ROAD/out" 2>&1 </dev/null || got=$?
	[ "$got" -eq 0 ] || fail "$words: ended with $got"
	printf '   %s: ok\n' "$words"
}

must_fail() {
	local words=$1 pattern=$2
	shift 2
	! "$@" >"$ROAD/out" 2>&1 </dev/null ||
	    fail "$words: let in, and must not be"
	saw "$pattern"
	printf '   %s: refused, as it must be (%s)\n' "$words" \
	    "$(grep -oE -- "$pattern" "$ROAD/out" | sed -n 1p)"
}

# ---- processes -------------------------------------------------------------

road_needs() {
	command -v "$1" >/dev/null && return
	shift
	echo "not tried: $*"
	exit 77
}

road_as() {
	local who=$1
	shift
	if [ "$(id -u)" -eq 0 ]; then
		exec setpriv "--reuid=$who" "--regid=$who" --init-groups "$@"
	fi
	exec "$@"
}

road_spawn() {
	local name=$1
	shift
	( [ "$1" = road_as ] || exec "$@"; "$@" ) \
	    >"$ROAD/$name.log" 2>&1 </dev/null &
	PID=$!
	ROAD_PIDS+=("$PID")
}

road_stop() {
	local i
	kill "$1" 2>/dev/null || :
	for ((i = 0; i < 50; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

road_end() {
	local status=$? i
	trap - EXIT
	for ((i = ${#ROAD_PIDS[@]} - 1; i >= 0; i--)); do
		road_stop "${ROAD_PIDS[i]}"
	done
	[ -z "$ROAD" ] || rm -rf "$ROAD"
	exit "$status"
}

road_wait() {
	local what=$1 i
	shift
	for ((i = 0; i < 100; i++)); do
		! "$@" >/dev/null 2>&1 </dev/null || return 0
		sleep 0.1
	done
	fail "$what did not come up"
}

road_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# Servers run as users of their own and must reach what is in here.
road_folder() {
	ROAD=$(mktemp -d "${TMPDIR:-/tmp}/jit-example.XXXXXX")
	trap road_end EXIT
	trap 'exit 1' INT TERM
	chmod 755 "$ROAD"
}

# ---- certificates ----------------------------------------------------------

road_until() {
	local end now
	end=$(openssl x509 -in "$ROAD_LAST" -noout -enddate)
	end=$(date -d "${end#*=}" +%s)
	now=$(date +%s)
	tell "The window ends by itself: $((end + 1 - now)) s more, nobody" \
	    "does anything."
	# OpenSSL takes notAfter itself as over already, Go as the last second.
	while [ "$(date +%s)" -le "$end" ]; do sleep 0.2; done
}

# road_read DIR: what the server will log, out of the certificate itself.
road_read() {
	ROAD_LAST=$1/cert.pem
	SERIAL=$(openssl x509 -in "$ROAD_LAST" -noout -serial)
	SERIAL=${SERIAL#*=}
	REQUEST=$(openssl x509 -in "$ROAD_LAST" -noout -ext subjectAltName |
	    sed -n 's/.*URI:urn:jit:grant:\([0-9A-Z]*\).*/\1/p')
	[ -n "$REQUEST" ] || fail "$ROAD_LAST does not name its request"
}

# The other CA: the servers' own, and a stranger to $CLIENT_CA.
road_other_ca() {
	SERVER_CA=$ROAD/other/ca.pem
	[ ! -f "$SERVER_CA" ] || return 0
	mkdir -p "$ROAD/other"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$ROAD/other/ca.key" -out "$SERVER_CA" -days 1 \
	    -subj '/CN=the servers'\'' own CA' \
	    -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}

# road_other DIR SUBJECT EKU SAN [rsa]
road_other() {
	local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
	[ "${5:-}" != rsa ] || key=(-newkey rsa:2048)
	road_other_ca
	mkdir -p "$1"
	openssl req "${key[@]}" -nodes -keyout "$1/key.pem" -subj "$2" \
	    -out "$1/csr.pem" 2>/dev/null
	openssl x509 -req -in "$1/csr.pem" -CA "$SERVER_CA" \
	    -CAkey "$ROAD/other/ca.key" -days 1 -out "$1/cert.pem" -extfile \
	    <(printf '%s\n' "extendedKeyUsage=$3" "subjectAltName=$4" \
	    'keyUsage=critical,digitalSignature,keyEncipherment') 2>/dev/null
	rm "$1/csr.pem"
	chmod 600 "$1/key.pem"
}

road_server_cert() {
	road_other "$1" "/CN=$2" serverAuth "DNS:$2,IP:127.0.0.1" "${3:-}"
}

road_stranger() { road_other "$1" "$2" clientAuth 'email:alice@example.com'; }

# ---- a TLS session, kept and tried again -----------------------------------

# s_client must stay a moment: TLS 1.3 sends its tickets after the handshake.
# It ends earlier if the server closes.
road_s_client() {
	local address=$1 dir=$2
	shift 2
	timeout 20 openssl s_client -connect "$address" -CAfile "$SERVER_CA" \
	    -verify_return_error -cert "$dir/cert.pem" -key "$dir/key.pem" \
	    "$@" 2>&1 < <(cat; sleep 1)
}

session_save() {
	local file=$1 all
	shift
	rm -f "$file"
	all=$(road_s_client "$@" -sess_out "$file") || :
	printf '%s\n' "$all"
	grep -q '^New, TLS' <<<"$all" && ! grep -q ' alert ' <<<"$all"
}

# No file: the server never gave a session to resume, and that is as good.
session_again() {
	local file=$1 all
	shift
	if [ ! -s "$file" ]; then
		echo "no session was given"
		return 1
	fi
	all=$(road_s_client "$@" -sess_in "$file") || :
	printf '%s\n' "$all"
	grep -q '^Reused, TLS' <<<"$all"
}

# ---- the CA's side ---------------------------------------------------------

# A stand-in with the same five functions, while jit-cert has no X.509.
# shellcheck source=road_openssl.sh
. "$(dirname "${BASH_SOURCE[0]}")/road_openssl.sh"
