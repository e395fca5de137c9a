/*
 * act - somebody takes something back: cancel before the certificate is
 * collected; drop, by its requester, or revoke after it.
 */
#ifndef JIT_CLI_ACT_H
#define JIT_CLI_ACT_H

#include "cli/desk.h"
#include "ca/grant/decision.h"

/*
 * Sign a cancel or a drop of the request that was typed, send it, and forget
 * its key on this machine.  Returns the exit status; what happened is told.
 */
int act_send(struct cli *c, const struct args *a, enum act_kind kind);

/*
 * The act on r as a text, signed and sent; comment may be empty.
 * JIT_E_ARG, JIT_E_UTF8: not a comment; the errors of desk_choose(),
 * desk_sign() and session_send().
 */
enum jit_err act_sign_and_send(struct desk *d, const struct dossier *r,
    enum act_kind kind, struct span comment, struct sent *sent,
    struct jit_why *why);
/* 1 to COMMENT_MAX plain bytes, not "-"; or none. */
enum jit_err act_check_comment(struct span s, struct jit_why *why);
/*
 * Why, as --reason (given, may be NULL) says or as it is typed on the
 * terminal; it is signed and logged, so that there is one.  Returns owned.
 * JIT_E_ARG: none was given and nobody can be asked, or it is no comment.
 */
enum jit_err act_take_reason(struct cli *c, const char *given,
    struct buf *ret, struct jit_why *why);
/*
 * Ask for the key that means yes: "[r]evoke [q]uit: ", word beginning with
 * it.  CLI_DONE: go on; else told, and the status to return.
 */
int act_confirm(struct cli *c, const char *word);
/* left_put() to the person who took r, which was issued, back. */
void act_say_left(struct desk *d, const struct dossier *r, utc_s now);

#endif
