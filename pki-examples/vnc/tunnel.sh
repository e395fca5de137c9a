# shellcheck shell=bash disable=SC2034,SC2154
# The SSH half of `run`: a real sshd with sshd.conf that trusts the same
# signer's other CA.
#
#	tunnel_policy		$ROAD/policy.yaml: policy.yaml with this machine
#				for desk1; $SSHD, its sshd's port
#	tunnel_begin		that sshd, for a tunnel to $bare, x11vnc's port
#	tunnel_cert ROLE SECONDS DIR
#		Alice asks, bob approves, alice collects: DIR/id and
#		DIR/id-cert.pub.  Sets $REQUEST, and $SERIAL as sshd logs it.
#	tunnel_ssh DIR		sets the array ssh, to it with that
#		certificate alone; more arguments may follow
#	tunnel_until		sleeps until the last certificate has ended

tunnel_policy() {
	account=$(id -un)
	SSHD=$(road_port)
	road_folder
	ssh-keygen -q -t ed25519 -N '' -C desk1 -f "$ROAD/host"
	sed -e "s|ssh-ed25519 [^ ]*\$|$(cut -d' ' -f1,2 "$ROAD/host.pub")|" \
	    -e "s|desk1.example.com|127.0.0.1|; s|port: 22|port: $SSHD|" \
	    -e "s|accounts: .screen.|accounts: [$account]|" \
	    "$HERE/policy.yaml" >"$ROAD/policy.yaml"
}

tunnel_begin() {
	mkdir -p "$ROAD/principals"
	jit-signer check "$ROAD/policy.yaml" --host desk1 |
	    grep -v : >"$ROAD/principals/$account"
	cat >"$ROAD/sshd_config" <<-END
	Port $SSHD
	ListenAddress 127.0.0.1
	HostKey $ROAD/host
	PidFile none
	UsePAM no
	# Above this folder there is /tmp, which is everybody's.
	StrictModes no
	TrustedUserCAKeys $ROAD/signer.d/home/user-ca.pub
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

tunnel_cert() {
	road_grant "$@"
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
