#!/bin/sh
# Wire this server, once and never again (as root):
#
#	wire.sh USER-CA.pub PRINCIPALS
#
# USER-CA.pub is the CA's public key (jit-cert ca, or user-ca.pub in the
# signer's home); PRINCIPALS what "jit-signer check POLICY --host NAME" or
# "jit-cert ca --principals NAME" printed.  Nothing of sshd is touched but a
# file of its own, and sshd judges that before it is told to read it.
set -eu
[ $# -eq 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$0")
etc=/etc/ssh

ssh-keygen -l -f "$1" >/dev/null || { echo "$1: no public key" >&2; exit 2; }
install -m 0644 "$1" $etc/jit-user-ca.pub
install -d -m 0755 $etc/principals
name=
while IFS= read -r line; do
	case $line in
	principals/*[!a-z0-9._-]*:)
		echo "$2: not an account: $line" >&2
		exit 2
		;;
	principals/*:)
		name=${line#principals/}
		name=${name%:}
		: >"$etc/principals/$name"
		;;
	'' | *[!a-z0-9._-]*)
		echo "$2: not a principal: $line" >&2
		exit 2
		;;
	*)
		[ -n "$name" ] || { echo "$2: no account before $line" >&2; exit 2; }
		echo "$line" >>"$etc/principals/$name"
		;;
	esac
done <"$2"
install -m 0644 "$here/jit-cert.conf" $etc/sshd_config.d/jit-cert.conf
/usr/sbin/sshd -t || { rm $etc/sshd_config.d/jit-cert.conf; exit 1; }
[ ! -f /run/sshd.pid ] || kill -HUP "$(cat /run/sshd.pid)"
echo "sshd trusts $(ssh-keygen -l -f "$1" | cut -d' ' -f2) for: $(ls $etc/principals | tr '\n' ' ')"
