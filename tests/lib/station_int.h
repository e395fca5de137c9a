/* station_int - what station.c and station_front.c share. */
#ifndef JIT_TESTS_STATION_INT_H
#define JIT_TESTS_STATION_INT_H

#include "tests/lib/station.h"

/* Ends the program. */
_Noreturn void station_give_up(const char *what);
/*
 * Start a daemon with its standard error appended to that file (NULL: ours).
 * However the program ends, it does not outlive it; station_end() ends it
 * by SIGTERM, cleanly, or by SIGKILL.
 */
pid_t station_spawn(const char *const argv[], const char *log);
void station_end(pid_t pid, int sig);

#endif
