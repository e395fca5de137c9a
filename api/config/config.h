/*
 * config - the file that jit-certd is told by, and the TLS pair it names.
 *
 *	certd: v1
 *	listen: 0.0.0.0:8443              address and port; [::]:8443
 *	names: [jit.example.com:8443]     what people type behind https://
 *	signer: /run/jit-signer/socket
 *	state: /var/lib/jit-certd         a folder of our own; holds view.db
 *	log: jit.example.com+3f1c9a07+A…  the log's verifier key, pinned
 *	tls: { certificate: /etc/jit-certd/tls.pem, key: /etc/jit-certd/tls.key }
 *	log-level: info                   or error, warn, debug; may be absent
 *	token-life: 12h                   absent: 12h; 1m to 7d
 *	limits: { connections: 1024, per-address: 256, waiters: 512 }
 *	                                  each may be absent; per-address 0: none
 *
 * Read by the strict YAML loader (ca/base/tree.h): what is not known is
 * refused by name, with file, line and column.
 */
#ifndef JIT_API_CONFIG_CONFIG_H
#define JIT_API_CONFIG_CONFIG_H

#include "ca/base/log.h"
#include "ca/tlog/checkpoint.h"

#define CONFIG_NAMES 8
#define CONFIG_PATH 4096
#define CONFIG_NAME_MAX 261		/* a host of 255, ":", a port */

struct config {
	char address[64];
	uint16_t port;
	size_t n_names;
	char name[CONFIG_NAMES][CONFIG_NAME_MAX + 1];
	char signer[CONFIG_PATH], state[CONFIG_PATH];
	char certificate[CONFIG_PATH], key[CONFIG_PATH];
	struct tlog_vkey log;
	char log_id[TLOG_LOGID_TEXT];
	enum log_level level;
	dur_s token_life;
	unsigned connections, per_address, waiters;
};

/*
 * Read a file of root's or our own, not writable by others.
 * JIT_E_POLICY: "config.yaml:3:9: …"; JIT_E_UNKNOWN, JIT_E_OWNER,
 * JIT_E_MODE, JIT_E_IO.
 */
enum jit_err config_read(const char *path, struct config *ret,
    struct jit_why *why);
/* The same of its text. */
enum jit_err config_parse(const char *file, struct span yaml,
    struct config *ret, struct jit_why *why);

/* A certificate (chain) and its key, as texts. */
struct tls_pair {
	struct buf certificate, key;	/* owned, NUL behind; key is secret */
	struct digest spki;		/* SHA-256 of the leaf's SPKI (DER) */
};
void tls_pair_done(struct tls_pair *p);	/* wipes */
JIT_SCOPED_OBJ(struct tls_pair, tls_pair_done);
/*
 * Read both; the key's file is nobody else's to read.  JIT_E_FORMAT: not a
 * certificate or key in PEM, or not a pair; JIT_E_WEAKKEY: an RSA key below
 * 2048 bits; errors of files.
 */
enum jit_err tls_pair_read(const struct config *c, struct tls_pair *ret,
    struct jit_why *why);
/*
 * Make a self-signed one for the names of c, for ten years: clients pin its
 * key.  JIT_E_EXISTS when one of the files is there.
 */
enum jit_err tls_pair_make(const struct config *c, utc_s now,
    struct jit_why *why);

#endif
