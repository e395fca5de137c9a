# The API of jit-certd with nothing but curl, openssl and ssh-keygen; sourced
# by a POSIX shell.  README.md beside it walks the whole road.
#
#	JIT   https://jit.example.com:8443
#	CA    a file with the server's certificate, or that of its CA
#	ME    your name;  KEY  your key's file

# The text of one member of an answer on standard input.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

b64() { openssl base64 -A; }

# api METHOD PATH [JSON]: an answer, or its problem and status 1.  Neither
# token nor body stands in an argument, where ps would show them.
api() {
	printf '%s' "${3:-}" | curl -sS -w '\n' --fail-with-body --proto =https \
	    --cacert "$CA" -K <(printf 'header = "Authorization: Bearer %s"\n' \
	    "${TOKEN:-}") -X "$1" ${3:+-H 'Content-Type: application/json'} \
	    ${3:+--data-binary @-} "$JIT$2"
}

# sign NAMESPACE KEY FILE: the signature as the API takes it.
sign() {
	ssh-keygen -q -Y sign -n "$1" -f "$2" <"$3" | grep -v -e ----- |
	    tr -d '\n'
}

# signed FILE SIG...: {"text": …, "sigs": […]}
signed() {
	printf '{"text":"%s","sigs":[' "$(b64 <"$1")"
	shift
	printf '"%s"' "$1"
	[ $# -lt 2 ] || printf ',"%s"' "$2"
	printf ']}'
}

# render JSON FILE: a text to be signed.  Look at it before you sign it.
render() { api POST /v1/render "$1" | member text | openssl base64 -d -A >"$2"; }

# The key that this server really speaks TLS with.
spki() {
	openssl s_client -connect "${JIT#https://}" </dev/null 2>/dev/null |
	    openssl x509 -noout -pubkey |
	    openssl pkey -pubin -outform DER | openssl dgst -sha256 -r |
	    cut -d' ' -f1
}

# log_in: TOKEN for reading, by a text that you write and sign yourself.
log_in() {
	nonce=$(api POST /v1/login/nonce '{}' | tee nonce.json | member nonce)
	{
		echo "jit-cert login v1"
		echo "log: $(member log <nonce.json)"
		echo "server: ${JIT#https://}"
		echo "tls: sha256:$(spki)"
		echo "nonce: $nonce"
		echo "person: $ME"
		echo "at: $(member now <nonce.json)"
		echo "expires: $(member expires <nonce.json)"
	} >login.txt
	TOKEN=$(api POST /v1/login "$(signed login.txt \
	    "$(sign login.v1@jit-cert "$KEY" login.txt)")" | member token)
	rm -f nonce.json login.txt
}
