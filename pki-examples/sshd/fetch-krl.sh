#!/bin/sh
# Keep the KRL that sshd reads fresh: fetch it when there is a newer one, look
# at it, and put it into place by one rename.
#
#	fetch-krl.sh URL FILE [CA]
#
#	URL   https://jit.example.com:8443
#	FILE  RevokedKeys of sshd_config: /etc/ssh/jit.krl
#	CA    the server's certificate, when the system does not trust it
#
# Whatever goes wrong, FILE stays as it was and the status is not 0: an old
# list is better than none, and without one sshd lets nobody in at all.  So
# begin with a first run, and only then write RevokedKeys.
#
# When /etc/ssh/jit-ca.pub is there (or the file that USER_CA names; the same
# as TrustedUserCAKeys), the list has to be signed by a key in it.
set -eu
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C

[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: $0 URL FILE [CA]" >&2; exit 2; }
url=$1 file=$2
user_ca=${USER_CA-/etc/ssh/jit-ca.pub}

# Beside FILE, so that the rename is one; gone however this ends.
dir=$(mktemp -d "$file.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# get PATH OUT HEAD [HEADER]: its status; no proxy, no redirect, no waiting.
get() {
	curl -sS --noproxy '*' --proto '=https' --max-time 20 \
	    --max-filesize 67108864 ${ca:+--cacert "$ca"} \
	    ${4:+-H "$4"} -o "$2" -D "$3" -w '%{http_code}' "$url$1"
}

# The value of a header, of the last head in a file.
header() {
	tr -d '\r' <"$2" | sed -n "s/^$1: *//Ip" | tail -n 1
}

ca=${3-}
tag=
# The tag goes with the very bytes that it came with.
if [ -s "$file" ] && [ -s "$file.etag" ]; then
	read -r sum tag <"$file.etag" || tag=
	[ "$sum" = "$(sha256sum <"$file" | cut -d' ' -f1)" ] || tag=
fi

status=$(get /v1/krl "$dir/krl" "$dir/head" "${tag:+If-None-Match: $tag}")
case $status in
304)	exit 0 ;;
200)	;;
*)	echo "fetch-krl: $url/v1/krl answers $status; $file stays" >&2
	exit 1 ;;
esac

ssh-keygen -Q -l -f "$dir/krl" >"$dir/said" 2>&1 || {
	echo "fetch-krl: what $url/v1/krl gives is no KRL; $file stays" >&2
	exit 1
}

if [ -n "$user_ca" ] && [ -e "$user_ca" ]; then
	status=$(get /v1/krl.sig "$dir/sig" "$dir/sighead" '')
	number=$(header X-List-Number "$dir/head")
	if [ "$status" != 200 ] || [ -z "$number" ] ||
	    [ "$(header X-List-Number "$dir/sighead")" != "$number" ]; then
		# A newer one came between the two: the next run has both.
		echo "fetch-krl: no signature of this list; $file stays" >&2
		exit 1
	fi
	sed -n 's/^[^#]/ca &/p' "$user_ca" >"$dir/allowed"
	ssh-keygen -q -Y verify -f "$dir/allowed" -I ca -n krl@jit-cert \
	    -s "$dir/sig" <"$dir/krl" >"$dir/said" 2>&1 || {
		echo "fetch-krl: not signed by a key of $user_ca; $file stays" >&2
		exit 1
	}
fi

# An older one than we have, from a cache between, is none.
was=$(ssh-keygen -Q -l -f "$file" 2>/dev/null |
    sed -n 's/^# KRL version //p' || true)
now=$(ssh-keygen -Q -l -f "$dir/krl" | sed -n 's/^# KRL version //p')
if [ -n "$was" ] && [ "$now" -lt "$was" ]; then
	echo "fetch-krl: list $now is older than $was; $file stays" >&2
	exit 1
fi

chmod 0644 "$dir/krl"
sync "$dir/krl"
printf '%s %s\n' "$(sha256sum <"$dir/krl" | cut -d' ' -f1)" \
    "$(header ETag "$dir/head")" >"$dir/etag"
mv -f "$dir/krl" "$file"
mv -f "$dir/etag" "$file.etag"
