/*
 * fake - a struct cli whose output is kept and whose clock is held.
 */
#ifndef JIT_TESTS_CLI_FAKE_H
#define JIT_TESTS_CLI_FAKE_H

#include "cli/cli.h"
#include "tests/lib/jt.h"

/* 2026-11-23T20:58:11Z */
#define FAKE_NOW ((utc_s)1795467491)

/* Standard output and error are files without a name; UTF-8 is taken. */
void fake_init(struct cli *c);
void fake_done(struct cli *c);
/* What was written to fd (c->out.fd, c->out.err_fd) so far; owned. */
struct buf fake_read(int fd);
/* It is want, byte for byte. */
void fake_said(int fd, const char *want);

#endif
