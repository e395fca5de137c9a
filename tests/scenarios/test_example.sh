#!/usr/bin/env bash
# An example against its real server, with the programs of this build:
# test_example.sh SIGNER CERT CERTD SOURCE NAME
set -euo pipefail
bin=$(mktemp -d)
chmod 755 "$bin"
trap 'rm -rf "$bin"' EXIT
ln -s "$(realpath "$1")" "$(realpath "$2")" "$(realpath "$3")" "$bin"
"$4/pki-examples/$5/run" "$bin"
