/*
 * ca_cert - the X.509 CA's own certificates, in the signer's home.
 *
 *	x509-ca.pem   0644   the chains of the X.509 CAs that are published,
 *	                     one behind the other: for servers to trust
 *
 * For people to hand on: what counts stands in the log (ca/grant/keys.h).  For
 * programs: files, no clock.
 */
#ifndef JIT_SIGNER_CA_CERT_H
#define JIT_SIGNER_CA_CERT_H

#include "ca/grant/keys.h"
#include "ca/base/rand.h"

#define CA_CERT_FILE "x509-ca.pem"
#define CA_CERT_LIFE ((dur_s)10 * 366 * 24 * 3600)	/* s, from now on */

/*
 * Append the DER of a self-signed CA certificate for k: it issues leaves
 * itself (path length 0), for TLS clients and servers, named after the log.
 * JIT_E_RANDOM; the errors of x509_ca_make().
 */
enum jit_err ca_cert_self(struct wr *der, const struct ssh_priv *k,
    const char *origin, utc_s now, const struct rng *rng,
    struct jit_why *why);
/*
 * Write x509-ca.pem anew (by rename): what is active, next and retiring.
 * Nothing when no X.509 CA is published.  JIT_E_IO, JIT_E_FULL, JIT_E_SIZE.
 */
enum jit_err ca_cert_write(const char *home, const struct ca_keys *k,
    struct jit_why *why);

#endif
