/*
 * passphrase - where the signer's passphrase comes from.
 *
 * Three places: a file, a descriptor that was inherited from whoever started
 * the program, a person at the terminal.  Into a struct secret, whatever the
 * place.  From a file or a descriptor it is all that is there, without one
 * line feed at its end; an empty one is refused, and so is one that nobody
 * could type: with a NUL, or of several lines (which is more likely the wrong
 * file).  For a main, before there are threads.  Never logged, never in why.
 */
#ifndef JIT_SIGNER_PASSPHRASE_H
#define JIT_SIGNER_PASSPHRASE_H

#include "ca/base/secret.h"

enum passphrase_place { PASSPHRASE_ASK, PASSPHRASE_FILE, PASSPHRASE_FD };

struct passphrase_from {
	enum passphrase_place place;
	const char *path;	/* PASSPHRASE_FILE; borrowed */
	int fd;			/* PASSPHRASE_FD; taken: closed in any case */
	const char *prompt;	/* PASSPHRASE_ASK: "Passphrase: " */
	const char *again;	/* asked behind it and compared, for one that
				   is being set; NULL: asked once */
};

/*
 * Get it.  *ret is owned.
 *	JIT_E_ARG         it is empty; not a number of an open descriptor
 *	JIT_E_SIZE        longer than SYS_PASSPHRASE_MAX
 *	JIT_E_FORMAT      a NUL or several lines; for a file also: not a
 *	                  regular one, or with several names
 *	JIT_E_OWNER       the file is not the own user's
 *	JIT_E_MODE        others can read or write the file
 *	JIT_E_UNKNOWN     there is no such file
 *	JIT_E_PASSPHRASE  the two that were typed differ
 *	JIT_E_IO          also: there is no terminal
 *	JIT_E_NOMEM
 */
enum jit_err passphrase_get(const struct passphrase_from *from,
    struct secret *ret, struct jit_why *why);

#endif
