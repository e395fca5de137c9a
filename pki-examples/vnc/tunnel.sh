# shellcheck shell=bash disable=SC2034,SC2154
# The SSH half of `run`: a real signer with tunnel.yaml, alice and bob with an
# agent each, and a real sshd with sshd.conf that trusts the signer's CA.
#
#	tunnel_begin		to $bare, x11vnc's port; sets $SSHD, sshd's
#	tunnel_cert ROLE SECONDS DIR
#		Alice asks, bob approves, alice collects: DIR/id and
#		DIR/id-cert.pub.  Sets $REQUEST, and $SERIAL as sshd logs it.
#	tunnel_ssh DIR		sets the array ssh, to it with that
#		certificate alone; more arguments may follow
#	tunnel_until		sleeps until the last certificate has ended

# by WHO COMMAND...: with that person's home and agent.
by() {
	local who=$1
	shift
	env "HOME=$ROAD/$who" "SSH_AUTH_SOCK=$ROAD/$who/agent" \
	    "XDG_RUNTIME_DIR=$ROAD/$who/run" \
	    "JIT_CERT_SIGNER=$ROAD/run/signer" "$@"
}

tunnel_person() {
	mkdir -p "$ROAD/$1/run" "$ROAD/$1/.ssh"
	chmod -R go= "$ROAD/$1"
	ssh-keygen -q -t ed25519 -N '' -C "$1@laptop" -f "$ROAD/$1/key"
	road_spawn "agent-$1" ssh-agent -D -a "$ROAD/$1/agent"
	road_wait "the agent of $1" test -S "$ROAD/$1/agent"
	by "$1" ssh-add -q "$ROAD/$1/key" 2>/dev/null
}

# tunnel.yaml as it stands, with keys that somebody holds and this machine.
tunnel_policy() {
	local alice bob
	alice=$(cat "$ROAD/alice/key.pub")
	bob=$(cat "$ROAD/bob/key.pub")
	sed -e "s|ssh-ed25519 [^ ]* alice@laptop|$alice|" \
	    -e "s|ssh-ed25519 [^ ]* bob@laptop|$bob|" \
	    -e "s|ssh-ed25519 [^ ]*\$|$(cut -d' ' -f1,2 "$ROAD/host.pub")|" \
	    -e "s|desk1.example.com|127.0.0.1|; s|port: 22|port: $SSHD|" \
	    -e "s|accounts: .screen.|accounts: [$account]|" "$HERE/tunnel.yaml"
}

tunnel_sshd() {
	mkdir -p "$ROAD/principals"
	jit-signer check "$ROAD/policy/policy.yaml" --host desk1 |
	    grep -v : >"$ROAD/principals/$account"
	cat >"$ROAD/sshd_config" <<-END
	Port $SSHD
	ListenAddress 127.0.0.1
	HostKey $ROAD/host
	PidFile none
	UsePAM no
	# Above this folder there is /tmp, which is everybody's.
	StrictModes no
	TrustedUserCAKeys $ROAD/signer/user-ca.pub
	AuthorizedPrincipalsFile $ROAD/principals/%u
	AuthorizedKeysFile none
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	LogLevel VERBOSE
	END
	# The configuration as it stands, for this account, port and patience.
	sed -e "s|User screen|User $account|; s|:5900|:$bare|" \
	    -e "s|Timeout 1m|Timeout 10s|" "$HERE/sshd.conf" \
	    >>"$ROAD/sshd_config"
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	road_spawn sshd "$(command -v sshd)" -D -e -f "$ROAD/sshd_config"
	road_wait sshd grep -q 'Server listening' "$ROAD/sshd.log"
}

tunnel_begin() {
	account=$(id -un)
	SSHD=$(road_port)
	mkdir -p "$ROAD/policy" "$ROAD/run"
	ssh-keygen -q -t ed25519 -N '' -C desk1 -f "$ROAD/host"
	tunnel_person alice
	tunnel_person bob
	tunnel_policy >"$ROAD/policy/policy.yaml"
	(umask 077 && openssl rand -base64 24 >"$ROAD/passphrase")
	jit-signer init "$ROAD/signer" "$ROAD/policy/policy.yaml" \
	    --passphrase-file "$ROAD/passphrase" >"$ROAD/out"
	road_spawn signer jit-signer serve "$ROAD/signer" \
	    "$ROAD/policy/policy.yaml" --socket "$ROAD/run/signer" \
	    --passphrase-file "$ROAD/passphrase"
	road_wait jit-signer test -S "$ROAD/run/signer"
	tunnel_sshd
}

tunnel_cert() {
	by alice jit-cert request "$1" --for "$2s" --json \
	    --reason 'INC-4711 look at the screen' >"$ROAD/out"
	REQUEST=$(by alice jit-cert list --mine --json | tail -n 1 |
	    sed -n 's/.*"id":"\([0-9A-Z]*\)".*/\1/p')
	by bob jit-cert approve "$REQUEST" --yes >"$ROAD/out" 2>&1
	by alice jit-cert collect "$REQUEST" --out "$3" >"$ROAD/out" 2>&1
	tunnel_last=$3/id-cert.pub
	SERIAL=$(ssh-keygen -L -f "$tunnel_last" |
	    sed -n 's/.*Serial: \([0-9]*\)/\1/p')
}

tunnel_ssh() {
	ssh=(ssh -F none -i "$1/id" -o IdentitiesOnly=yes -o IdentityAgent=none
	    -o BatchMode=yes -o UserKnownHostsFile="$ROAD/known_hosts"
	    -o StrictHostKeyChecking=accept-new -o ExitOnForwardFailure=yes
	    -p "$SSHD" "$account@127.0.0.1")
}

tunnel_until() {
	local end now
	end=$(ssh-keygen -L -f "$tunnel_last" |
	    sed -n 's/.*Valid: from .* to \(.*\)/\1/p')
	end=$(date -d "$end" +%s)
	now=$(date +%s)
	tell "The window ends by itself: $((end - now)) s more, nobody does" \
	    "anything."
	while [ "$(date +%s)" -lt "$end" ]; do sleep 0.2; done
}
