#!/usr/bin/env python3
"""cli/ includes what POSIX and C have, ours, OpenSSL, jansson and libcurl; no more.

check_portable.py SOURCE: fails when a file of cli/ includes another header,
or calls a function that Linux alone has.  What a system has of its own is
asked of ca/base/sys.h.  First it is seen to fail on lines that it must refuse.
"""
import pathlib
import re
import sys

# The C library (C17, POSIX.1-2008 with XSI).
ALLOWED = set("""
assert.h ctype.h errno.h inttypes.h limits.h locale.h setjmp.h signal.h
stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h
time.h wchar.h wctype.h
dirent.h fcntl.h fnmatch.h glob.h grp.h langinfo.h netdb.h poll.h pwd.h
regex.h spawn.h termios.h unistd.h arpa/inet.h netinet/in.h sys/mman.h
sys/resource.h sys/select.h sys/socket.h sys/stat.h sys/statvfs.h
sys/time.h sys/types.h sys/uio.h sys/un.h sys/utsname.h sys/wait.h
jansson.h curl/curl.h
""".split())
OURS = re.compile(r"^(ca|cli|signer)/[\w/]+\.(h|def|inc)$")
OPENSSL = re.compile(r"^openssl/\w+\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')
# Not in POSIX.1-2008, or not on macOS.
CALLS = re.compile(r"""\b(
    accept4 | pipe2 | dup3 | epoll_\w+ | signalfd | timerfd_\w+ | eventfd
  | inotify_\w+ | prctl | getrandom | getentropy | memfd_create | ppoll
  | recvmmsg | sendmmsg | fallocate | splice | tee | vmsplice | renameat2
  | statx | close_range | execveat | mremap | secure_getenv | get_current_dir_name
  | strchrnul | mempcpy | memrchr | asprintf | vasprintf | explicit_bzero
  | timegm | qsort_r | sched_setaffinity | syscall | unshare | setns
)\s*\(""", re.X)
FLAGS = re.compile(r"\b(SOCK_CLOEXEC|SOCK_NONBLOCK|MSG_CMSG_CLOEXEC|O_TMPFILE"
                   r"|O_PATH|SO_PEERCRED|CLOCK_BOOTTIME|_GNU_SOURCE"
                   r"|__linux__)\b")
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def faults(name, text):
    # Comments go, their lines stay.
    text = COMMENT.sub(lambda m: "\n" * m[0].count("\n"), text)
    for number, line in enumerate(text.split("\n"), 1):
        found = INCLUDE.match(line)
        if found:
            header = found[1]
            if header not in ALLOWED and not OURS.match(header) \
                    and not OPENSSL.match(header):
                yield f"{name}:{number}: includes {header}"
            continue
        for what in CALLS.findall(line) + FLAGS.findall(line):
            yield f"{name}:{number}: uses {what}"


REFUSED = """#include <sys/epoll.h>
#include <linux/prctl.h>
# include <sys/random.h>
#include <sys/signalfd.h>
#include "api/http.h"
#include "signer/../api/x.h"
int fd = accept4(s, NULL, NULL, 0);
if (pipe2 (p, O_CLOEXEC))
x = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
#define _GNU_SOURCE
t = timegm(&tm);
#ifdef __linux__
""".split("\n")[:-1]
TAKEN = """#include <unistd.h>
#include "ca/base/sys.h"
#include "cli/verbs.def"
#include <openssl/evp.h>
#include <jansson.h>
/* not accept4() and
 * not <sys/epoll.h> pipe2() */
x = my_accept4_not; y = accept(s);
""".split("\n")[:-1]


def main():
    for line in REFUSED:
        if not list(faults("control", line)):
            sys.exit(f"does not refuse: {line}")
    wrong = list(faults("control", "\n".join(TAKEN)))
    if wrong:
        sys.exit(f"refuses what it must take: {wrong}")
    folder = pathlib.Path(sys.argv[1], "cli")
    files = sorted(p for p in folder.rglob("*")
                   if p.suffix in (".c", ".h", ".inc"))
    bad = [f for p in files
           for f in faults(str(p.relative_to(folder.parent)), p.read_text())]
    print("\n".join(bad) or f"{len(files)} files")
    sys.exit(1 if bad or len(files) < 10 else 0)


main()
