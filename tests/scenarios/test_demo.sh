#!/usr/bin/env bash
# The demo, with the programs of this build: test_demo.sh SIGNER CERT CERTD SOURCE
set -euo pipefail
bin=$(mktemp -d)
chmod 755 "$bin"
trap 'rm -rf "$bin"' EXIT
ln -s "$(realpath "$1")" "$(realpath "$2")" "$(realpath "$3")" "$bin"
"$4/pki-examples/sshd/demo.sh" "$bin"
