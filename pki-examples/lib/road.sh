# shellcheck shell=bash
# What every example's `run` shares: certificates, servers, and the words.
# Sourced by bash (set -euo pipefail); the caller's folder is $HERE.
#
#	road_begin POLICY.yaml
#		A folder $ROAD, gone at the end; the people alice and bob, each
#		with a home, a key and an agent, who stand in the policy in
#		place of those there; a signer with that policy.  $CLIENT_CA: a
#		PEM file with its X.509 CA, which the server trusts for
#		*clients*.
#	road_by PERSON COMMAND...	as that person (jit-cert, kubectl ...)
#	road_cert ROLE SECONDS DIR
#		Alice asks for the role for so long, bob approves, alice
#		collects: DIR/key.pem, DIR/cert.pem.  Sets $SERIAL (hex, upper
#		case, as OpenSSL prints it) and $REQUEST (the request's id).
#	road_with COMMAND...
#		Runs a command as alice in which jit-cert asks by itself (kube,
#		exec), while bob waits to approve; 1 if he was not asked.
#		Sets both too; status: the command's.
#	road_exec ROLE SECONDS COMMAND...
#		The same of jit-cert exec with that command.
#	road_crl FILE	the present CRL, PEM
#	road_revoke	bob takes the last $REQUEST back
#	road_logged	jit-cert log --serial must lead from $SERIAL to $REQUEST;
#		prints those lines
#	road_folder	only $ROAD, before road_begin: for what must be in there
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
ROAD_REASON='INC-4711 payments stuck'

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
	[ -z "$ROAD" ] || return 0
	ROAD=$(mktemp -d "${TMPDIR:-/tmp}/jit-example.XXXXXX")
	trap road_end EXIT
	trap 'exit 1' INT TERM
	chmod 755 "$ROAD"
}

# ---- the people, and their signer ------------------------------------------

# In a subshell of road_spawn and must_work alike: env becomes the command.
road_by() {
	local who=$1
	shift
	env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u XDG_DATA_HOME \
	    -u JIT_CERT_SERVER "HOME=$ROAD/$who" \
	    "XDG_RUNTIME_DIR=$ROAD/$who/run" "SSH_AUTH_SOCK=$ROAD/$who/agent" \
	    "JIT_CERT_SIGNER=$ROAD/signer.d/socket" "$@"
}

road_person() {
	mkdir -p "$ROAD/$1/run" "$ROAD/$1/.ssh"
	chmod -R go= "$ROAD/$1"
	ssh-keygen -q -t ed25519 -N '' -C "$1@laptop" -f "$ROAD/$1/key"
	road_spawn "agent-$1" ssh-agent -D -a "$ROAD/$1/agent"
	road_wait "the agent of $1" test -S "$ROAD/$1/agent"
	road_by "$1" ssh-add -q "$ROAD/$1/key" 2>/dev/null
}

road_begin() {
	local at passphrase
	road_needs jit-signer "jit-signer is not installed (./dev install)"
	road_needs jit-cert "jit-cert is not installed (./dev install)"
	road_folder
	at=$ROAD/signer.d
	mkdir -m 700 "$at" "$at/policy"
	road_person alice
	road_person bob
	# As it stands, but with keys that somebody holds.
	sed -e "s|ssh-ed25519 [^ ]* alice@laptop|$(cat "$ROAD/alice/key.pub")|" \
	    -e "s|ssh-ed25519 [^ ]* bob@laptop|$(cat "$ROAD/bob/key.pub")|" \
	    "$1" >"$at/policy/policy.yaml"
	passphrase=(--passphrase-file "$at/passphrase")
	(umask 077 && openssl rand -base64 24 >"$at/passphrase")
	must_work "jit-signer init --x509 ecdsa-p256" jit-signer init \
	    "$at/home" "$at/policy/policy.yaml" --x509 ecdsa-p256 "${passphrase[@]}"
	road_spawn signer jit-signer serve "$at/home" "$at/policy/policy.yaml" \
	    --socket "$at/socket" "${passphrase[@]}"
	road_wait jit-signer test -S "$at/socket"
	CLIENT_CA=$ROAD/client-ca.pem
	road_by alice jit-cert ca --x509 >"$CLIENT_CA" 2>"$ROAD/ca.log" ||
	    fail "jit-cert ca --x509"
}

# road_did PERSON VERB...: a jit-cert that must work, output in $ROAD/out.
road_did() {
	local who=$1
	shift
	road_by "$who" jit-cert "$@" >"$ROAD/out" 2>&1 </dev/null ||
	    fail "$who: jit-cert $*"
}

# road_grant ROLE SECONDS DIR: asked, approved, collected; sets $REQUEST.
road_grant() {
	road_did alice request "$1" --for "$2s" --reason "$ROAD_REASON" --json
	REQUEST=$(sed -n 's/^{"id":"\([0-9A-Z]*\)".*/\1/p' "$ROAD/out")
	road_did bob approve "$REQUEST" --yes
	road_did alice collect "$REQUEST" --out "$3"
}

road_cert() {
	road_grant "$@"
	ROAD_LAST=$3/cert.pem
	SERIAL=$(openssl x509 -in "$ROAD_LAST" -noout -serial)
	SERIAL=${SERIAL#*=}
}

# Bob, until there is something to approve; $ROAD/approved has its id.
road_approver() {
	local id=''
	while [ -z "$id" ]; do
		sleep 0.2
		id=$(road_by bob jit-cert inbox --json |
		    sed -n '1s/^{"id":"\([0-9A-Z]*\)".*/\1/p')
	done
	road_by bob jit-cert approve "$id" --yes
	echo "$id" >"$ROAD/approved"
}

road_with() {
	local got=0 bob
	rm -f "$ROAD/approved"
	road_approver >"$ROAD/bob.log" 2>&1 </dev/null &
	bob=$!
	road_by alice "$@" || got=$?
	[ -f "$ROAD/approved" ] || kill "$bob" 2>/dev/null || :
	wait "$bob" 2>/dev/null || :
	[ -f "$ROAD/approved" ] || { echo "bob was not asked"; return 1; }
	REQUEST=$(cat "$ROAD/approved")
	SERIAL=$(road_by alice jit-cert show "$REQUEST" --json |
	    sed -n 's/.*"serial":"\([0-9a-f]*\)".*/\1/p')
	SERIAL=${SERIAL^^}
	return "$got"
}

road_exec() {
	local role=$1 seconds=$2
	shift 2
	road_with jit-cert exec "$role" --for "${seconds}s" \
	    --reason "$ROAD_REASON" -- "$@"
}

# Renamed into its place, as a server's cron job would.
road_crl() {
	road_did bob ca --crl "$1.new"
	mv "$1.new" "$1"
}

road_revoke() {
	road_did bob revoke "$REQUEST" --reason 'taken back' --yes
}

road_logged() {
	road_by bob jit-cert log --serial "$SERIAL" >"$ROAD/out" 2>&1 ||
	    fail "jit-cert log --serial $SERIAL"
	tell "jit-cert log --serial $SERIAL"
	sed 's/^/   /' "$ROAD/out"
	saw "HAS ACCESS: .*$REQUEST"
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
