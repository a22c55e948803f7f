/* Loaded before the C library: every sync is the real one, and takes a millisecond longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <time.h>

static int then_sleep(int result) {
    int error = errno;
    struct timespec millisecond = {0, 1000000};
    nanosleep(&millisecond, 0);
    errno = error;
    return result;
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return then_sleep(real(file));
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return then_sleep(real(file));
}
