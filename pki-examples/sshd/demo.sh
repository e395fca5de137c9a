#!/usr/bin/env bash
# The main job, for real, on this machine: ./dev demo [--keep]
#
# A CA and its log, a signer, the API in front of it, a private sshd on loopback
# that trusts only the CA's public key; a requester and two approvers, each
# with a home and an agent.  As root each has a uid of its own (accounts made for the demo and
# removed after it); otherwise all are you.  Every step is shown as a user
# would type it, and the demo ends with 0 only if every step held.
#
#	demo.sh BIN [--keep]	BIN: a folder with jit-signer, jit-certd, jit-cert
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
keep=${2:-}

root=false
[ "$(id -u)" -ne 0 ] || root=true
people="alice bob carol"
pids=()
accounts=()

# ---- telling the story -----------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	b=$'\033[1m' d=$'\033[2m' o=$'\033[0m'
else
	b='' d='' o=''
fi
say() { printf '\n%s%s%s\n' "$b" "$*" "$o"; }
tell() { printf '   %s\n' "$*"; }
fail() {
	printf '\nDEMO FAILED: %s\n' "$*" >&2
	for log in "$dir"/signer.log "$dir"/certd.log "$dir"/sshd.log; do
		[ ! -s "$log" ] || { echo "--- $log"; tail -n 15 "$log"; } >&2
	done
	exit 1
}

# become WHO COMMAND...: this process goes on as that, with their home and
# agent only.
become() {
	local who=$1 prefix=()
	shift
	if $root; then
		prefix=(setpriv "--reuid=jitdemo-$who" \
		    "--regid=jitdemo-$who" --init-groups)
	fi
	cd "$dir/$who"
	exec "${prefix[@]}" env -i "HOME=$dir/$who" \
	    "PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 \
	    "TZ=${TZ:-}" "SSH_AUTH_SOCK=$dir/$who/agent" \
	    "XDG_RUNTIME_DIR=$dir/$who/run" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:-}" "$@"
}

# by WHO COMMAND...: run it as that person.
by() ( become "$@" )

# step WANT WHO COMMAND...: show the command, run it, demand its status.
step() {
	local want=$1 who=$2 got=0 word line=''
	shift 2
	for word; do
		case $word in
		*[!A-Za-z0-9_.,:/=@+-]* | '') line="$line '$word'" ;;
		*) line="$line $word" ;;
		esac
	done
	printf '%s%s$%s%s\n' "$d" "$who" "$line" "$o"
	by "$who" "$@" >"$dir/out" 2>&1 </dev/null || got=$?
	sed 's/^/   /' "$dir/out"
	[ "$got" -eq "$want" ] ||
	    fail "that should have ended with $want, and ended with $got"
}

# saw PATTERN: the step before must have said so.
saw() {
	grep -qE -- "$1" "$dir/out" || fail "nothing there says \"$1\""
}

# ---- made, and removed again -----------------------------------------------

# shellcheck disable=SC2329
clean_up() {
	local status=$? pid name
	if [ "$status" -eq 0 ] && [ "$keep" = --keep ]; then
		how_to_use_it
		return
	fi
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || :; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || :; done
	for name in "${accounts[@]}"; do
		userdel "$name" >/dev/null 2>&1 || :
		groupdel "$name" >/dev/null 2>&1 || :
	done
	! $root || groupdel jitdemo-jit >/dev/null 2>&1 || :
	rm -rf "$dir"
}

how_to_use_it() {
	say "Kept.  All of it is in $dir."
	tell "A shell as one of them, with their agent:"
	if $root; then
		tell "  setpriv --reuid=jitdemo-alice --regid=jitdemo-alice" \
		    "--init-groups env HOME=$dir/alice" \
		    "SSH_AUTH_SOCK=$dir/alice/agent" \
		    "XDG_RUNTIME_DIR=$dir/alice/run" \
		    "PATH=$bin:\$PATH bash"
	else
		tell "  env HOME=$dir/alice SSH_AUTH_SOCK=$dir/alice/agent" \
		    "XDG_RUNTIME_DIR=$dir/alice/run" \
		    "PATH=$bin:\$PATH bash"
	fi
	tell "Then: jit-cert ssh prod-db --reason 'INC-1 look' -- db1"
	tell "and as bob and carol: jit-cert inbox, jit-cert approve ID."
	tell "To end it: kill ${pids[*]}"
	[ "${#accounts[@]}" -eq 0 ] || tell "and: for u in ${accounts[*]};" \
	    "do userdel \$u; done; groupdel jitdemo-jit; rm -r $dir"
}

account() {
	useradd --system --user-group --no-create-home \
	    --home-dir "$dir/$1" --shell /bin/sh "jitdemo-$1" ||
	    fail "cannot make the account jitdemo-$1 (left over? userdel it)"
	accounts+=("jitdemo-$1")
	# Not locked, and no password either.
	usermod -p '*' "jitdemo-$1"
}

home() {
	mkdir -p "$dir/$1/.ssh" "$dir/$1/run"
	chmod 700 "$dir/$1" "$dir/$1/.ssh" "$dir/$1/run"
	! $root || chown -R "jitdemo-$1:jitdemo-$1" "$dir/$1"
}

wait_for() { # WHAT TEST...
	local what=$1 i
	shift
	for ((i = 0; i < 100; i++)); do
		! "$@" 2>/dev/null || return 0
		sleep 0.1
	done
	fail "$what did not come up"
}

free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# StrictModes wants every folder above to be nobody else's to write.
base=${XDG_RUNTIME_DIR:-$HOME}
! $root || base=/run
dir=$(mktemp -d "$base/jit-demo.XXXXXX")
chmod 755 "$dir"
sock=$dir/run/socket
trap clean_up EXIT
trap 'exit 1' INT TERM

# ---- the installation ------------------------------------------------------

say "1. An installation: a signer, the API before it, a server, three people"
login=dba
if $root; then
	groupadd --system jitdemo-jit
	for who in signer certd $people dba; do account "$who"; home "$who"; done
	# Alice has the network and nothing else.
	for who in signer certd bob carol; do
		usermod -aG jitdemo-jit "jitdemo-$who"
	done
	login=jitdemo-dba
else
	for who in signer certd $people; do home "$who"; done
	login=$(id -un)
fi
mkdir -p "$dir/run" "$dir/policy" "$dir/principals"
port=$(free_port)
ssh-keygen -q -t ed25519 -N '' -C db1 -f "$dir/host_key"
for who in $people; do
	by "$who" ssh-keygen -q -t ed25519 -N '' -C "$who@laptop" \
	    -f "$dir/$who/.ssh/id_ed25519"
	become "$who" ssh-agent -D -a "$dir/$who/agent" >/dev/null 2>&1 &
	pids+=($!)
done
for who in $people; do
	wait_for "the agent of $who" test -S "$dir/$who/agent"
	by "$who" ssh-add -q "$dir/$who/.ssh/id_ed25519" 2>/dev/null
	# In the agent alone: what signs is the agent, as with a hardware key.
	rm "$dir/$who/.ssh/id_ed25519"
done
key_of() { cut -d' ' -f1,2 "$1"; }
{
	echo "policy: v1"
	echo "log: jit.demo.example"
	echo "admins: { need: 1, of: [admins] }"
	echo "people:"
	for who in $people; do
		groups=sre
		[ "$who" != carol ] || groups="sre, admins"
		echo "  $who: { groups: [$groups], keys:" \
		    "[ \"$(key_of "$dir/$who/.ssh/id_ed25519.pub")\" ] }"
	done
	cat <<END
hosts:
  db1: { address: 127.0.0.1, port: $port, keys: [ "$(key_of "$dir/host_key.pub")" ] }
host-groups:
  prod-db: [db1]
roles:
  prod-db:
    accounts: [$login]
    host-groups: [prod-db]
    options: [permit-pty]
    max: 1h
    horizon: 1d
    reason: { required: true, pattern: "^INC-[0-9]+ " }
    request: { of: [sre], proofs: [sshsig] }
    approve: { need: 2, of: [sre], proofs: [sshsig] }
END
} >"$dir/policy/policy.yaml"
(umask 077 && head -c 24 /dev/urandom | base64 >"$dir/signer/passphrase")
if $root; then
	chown jitdemo-signer: "$dir/signer/passphrase" "$dir/run"
	chown -R jitdemo-signer: "$dir/policy"
	chmod 755 "$dir/run"
fi
tell "The policy says who may ask for what, and who decides:"
step 0 signer jit-signer check "$dir/policy/policy.yaml"
step 0 signer jit-signer init "$dir/signer/home" "$dir/policy/policy.yaml" \
    --passphrase-file "$dir/signer/passphrase"
group=()
! $root || group=(--group jitdemo-jit --front jitdemo-certd)
printf '%ssigner$ jit-signer serve %s …%s\n' "$d" "$dir/signer/home" "$o"
become signer jit-signer serve "$dir/signer/home" "$dir/policy/policy.yaml" \
    --socket "$sock" "${group[@]}" \
    --passphrase-file "$dir/signer/passphrase" >"$dir/signer.log" 2>&1 &
signer_pid=$!
pids+=("$signer_pid")
wait_for "jit-signer" test -S "$sock"

tell "The API: a user of its own, that holds no key but the one of its TLS:"
api=$(free_port)
pin=$(cat "$dir/signer/home/log.vkey")
cat >"$dir/certd.yaml" <<END
certd: v1
listen: 127.0.0.1:$api
names: [127.0.0.1:$api]
signer: $sock
state: $dir/certd/state
log: $pin
tls: { certificate: $dir/certd/tls.pem, key: $dir/certd/tls.key }
END
! $root || chown jitdemo-certd: "$dir/certd.yaml"
step 0 certd jit-certd init "$dir/certd.yaml"
spki=$(sed -n 's/.*--tls \(sha256:[0-9a-f]*\).*/\1/p' "$dir/out")
certd_pid=
start_certd() {
	printf '%scertd$ jit-certd serve %s%s\n' "$d" "$dir/certd.yaml" "$o"
	become certd jit-certd serve "$dir/certd.yaml" >>"$dir/certd.log" \
	    2>&1 &
	certd_pid=$!
	pids+=("$certd_pid")
	wait_for jit-certd curl -sf --cacert "$dir/certd/tls.pem" -o /dev/null \
	    "https://127.0.0.1:$api/v1/health"
}
stop_certd() {
	kill "$certd_pid"
	wait "$certd_pid" || fail "jit-certd did not end well"
}
start_certd

tell "The server trusts one public key and a list of principals:"
cp "$dir/signer/home/user-ca.pub" "$dir/ca.pub"
by signer jit-signer check "$dir/policy/policy.yaml" --host db1 \
    >"$dir/principals.txt"
sed 's/^/   /' "$dir/principals.txt"
grep -v : "$dir/principals.txt" >"$dir/principals/$login"
cat >"$dir/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host_key
PidFile none
UsePAM no
TrustedUserCAKeys $dir/ca.pub
AuthorizedPrincipalsFile $dir/principals/%u
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel VERBOSE
END
mkdir -p /run/sshd 2>/dev/null || :
/usr/sbin/sshd -D -e -f "$dir/sshd_config" >"$dir/sshd.log" 2>&1 &
pids+=($!)
wait_for sshd grep -q 'Server listening' "$dir/sshd.log"

# ---- the main job ----------------------------------------------------------

say "2. Alice needs the database; she asks, with a reason, and signs that"
step 0 alice jit-cert setup "https://127.0.0.1:$api" --pin "$pin" \
    --tls "$spki"
step 0 alice jit-cert login
step 0 alice jit-cert whoami
step 0 alice jit-cert roles prod-db
step 0 alice jit-cert request prod-db --for 15s \
    --reason 'INC-4711 payments stuck'
id=$(by alice jit-cert list --mine --json | python3 -c 'import json, sys
print(json.loads(sys.stdin.readline())["id"])')
short=${id: -4}
tell "Nobody has approved: there is nothing to collect."
step 14 alice jit-cert collect "$short"
saw 'of 2'

say "3. Bob and Carol see exactly what is granted, and sign it"
for who in bob carol; do
	step 0 "$who" jit-cert setup "https://127.0.0.1:$api" --pin "$pin" \
	    --tls "$spki"
done
step 0 bob jit-cert inbox
step 0 bob jit-cert approve "$short" --yes
step 0 carol jit-cert approve "$short" --yes --comment 'go ahead'

say "4. The signer checks all of that itself, and issues; sshd lets her in"
step 0 alice jit-cert collect "$short" --out "$dir/alice/grant"
step 0 alice ssh-keygen -L -f "$dir/alice/grant/id-cert.pub"
saw "$id"
known="[127.0.0.1]:$port $(key_of "$dir/host_key.pub")"
echo "$known" >"$dir/alice/known_hosts"
! $root || chown jitdemo-alice: "$dir/alice/known_hosts"
login_with_it=(ssh -i "$dir/alice/grant/id" -o IdentitiesOnly=yes
    -o IdentityAgent=none -o BatchMode=yes
    -o UserKnownHostsFile="$dir/alice/known_hosts"
    -p "$port" "$login@127.0.0.1")
step 0 alice "${login_with_it[@]}" 'echo "in, as $(id -un)"'
saw "in, as $login"

say "5. The window ends by itself: nobody has to do anything"
sleep 16
tell "The same key, the same certificate, the same server:"
step 255 alice "${login_with_it[@]}" 'echo in'
saw 'Permission denied'
tell "sshd says why, and by whose leave she was in (key id and serial):"
grep -E 'ID jit|ID alice|expired|Accepted' "$dir/sshd.log" >"$dir/out" ||
    fail "sshd's log says nothing of it"
sed 's/^/   /' "$dir/out"
saw "Accepted publickey.*ID alice:$id:.* \(serial 1\)"
saw 'expired'

say "6. In one command, as people do it at night"
tell "alice\$ jit-cert ssh prod-db --reason '…' -- db1   (it waits)"
become alice jit-cert ssh prod-db --for 1m --reason 'INC-4712 once more' -- db1 \
    'echo "in again, as $(id -un)"' >"$dir/ssh.out" 2>&1 </dev/null &
ssh_pid=$!
for ((i = 0; i < 100; i++)); do
	second=$(by bob jit-cert inbox --json | python3 -c 'import json, sys
for l in sys.stdin:
	print(json.loads(l)["id"])
	break')
	[ -z "$second" ] || break
	sleep 0.1
done
[ -n "$second" ] || fail "bob's inbox stays empty"
step 0 bob jit-cert approve "${second: -4}" --yes
step 0 carol jit-cert approve "${second: -4}" --yes
wait "$ssh_pid" || { cat "$dir/ssh.out"; fail "jit-cert ssh did not get in"; }
sed 's/^/   /' "$dir/ssh.out"
cp "$dir/ssh.out" "$dir/out"
saw "in again, as $login"
step 0 alice jit-cert drop "${second: -4}"

say "7. Cheating, with all that an API server and its database hold"
step 0 alice jit-cert request prod-db \
    --reason 'INC-4713 a third time'
third=$(by alice jit-cert list --mine --json | python3 -c 'import json, sys
print([json.loads(l) for l in sys.stdin][-1]["id"])')
step 0 carol jit-cert approve "${third: -4}" --yes
tell "jit-certd is stopped, its database edited: approved, issued."
stop_certd
by certd python3 - "$dir/certd/state/view.db" "$third" <<'END' >"$dir/out" ||
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
n = db.execute("UPDATE request SET ends = 1 WHERE id = ?",
               sys.argv[2:]).rowcount
db.commit()
print(n, "row says so now")
END
    fail "the database cannot be edited"
sed 's/^/   /' "$dir/out"
saw '^1 row'
start_certd
tell "The row is found out, and says nothing to the signer anyway:"
step 1 alice jit-cert collect "$third"
saw 'rebuild'
stop_certd
step 0 certd jit-certd rebuild "$dir/certd.yaml"
start_certd
step 14 alice jit-cert collect "$third"
saw '1 of 2'
tell "Straight to the signer, as whoever owns the API server may."
tell "A request altered after an approval, and an approval altered:"
cp "$here/cheat.py" "$dir/"
step 0 bob python3 "$dir/cheat.py" "$sock" "$third"
saw 'principal changed: refused, bad-signature'
saw 'approval, with the verdict changed: refused, bad-signature'
saw 'another key and signed again: refused, id-used'
saw 'approval of the altered request, well signed: refused, other-request'
step 14 alice jit-cert collect "${third: -4}"
step 0 bob jit-cert deny "${third: -4}" --yes --comment 'use the replica'
tell "The deny, sent again as an approve:"
step 0 bob python3 "$dir/cheat.py" "$sock" "$third" --denied
saw 'deny, with the verdict changed: refused, bad-signature'
step 10 alice jit-cert collect "${third: -4}"
saw 'use the replica'

say "8. Years later: one file proves who allowed what, offline"
step 0 alice jit-cert evidence "$short" --out "$dir/alice/evidence.txt"
offline=(env -i "PATH=$bin:/usr/bin:/bin" HOME=/nonexistent \
    LC_ALL=C.UTF-8 "ASAN_OPTIONS=${ASAN_OPTIONS:-}")
printf '%s$ jit-cert verify evidence.txt --pin %s   (no network, no home)%s\n' \
    "$d" "$pin" "$o"
net=()
! $root || net=(unshare -n)
"${net[@]}" "${offline[@]}" jit-cert verify "$dir/alice/evidence.txt" \
    --pin "$pin" >"$dir/out" 2>&1 || { cat "$dir/out"; fail "evidence"; }
sed 's/^/   /' "$dir/out"
saw 'bob'
saw 'carol'
tell "One character of it changed:"
sed 's/^\([A-Za-z0-9+/]\{30\}\)[A-Y]/\1Z/;' "$dir/alice/evidence.txt" \
    >"$dir/forged.txt"
got=0
"${offline[@]}" jit-cert verify "$dir/forged.txt" --pin "$pin" \
    >"$dir/out" 2>&1 || got=$?
sed 's/^/   /' "$dir/out"
[ "$got" -eq 18 ] || fail "a forged file ended with $got, not 18"
step 0 carol jit-cert log
step 0 carol jit-cert verify --log --deep

say "9. The API is down at night: on the signer's host there is another way"
stop_certd
step 17 alice jit-cert list
saw 'jit-certd'
step 0 carol jit-cert --signer "$sock" --pin "$pin" list

say "Every step held."
