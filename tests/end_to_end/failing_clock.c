/* A clock that fails once, when a test says so: then Rust's standard library panics, in any thread.
   For LD_PRELOAD: a call from a thread named KIND-NUMBER fails if it can delete the file
   $FAILING_CLOCK/KIND. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    const char *folder = getenv("FAILING_CLOCK");
    char name[16] = "", path[4096];
    if (folder && clock == CLOCK_MONOTONIC && prctl(PR_GET_NAME, name) == 0) {
        name[strcspn(name, "-")] = 0;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (unlink(path) == 0) {
            errno = EINVAL;
            return -1;
        }
    }
    return syscall(SYS_clock_gettime, clock, time);
}
