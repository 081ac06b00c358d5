// A disk that misbehaves on command, for tests of the real binary: preload this library.
//
//   LD_PRELOAD=libwxpush_fault_shim.so  WXPUSH_FAULT_DIR=/path/of/store  WXPUSH_FAULT_FILE=/path/of/faults  wxpush serve …
//
// The fault file is read again at every call, so that a test changes the disk under a running server. One fault a line:
//   hold-sync              fsync and fdatasync do not return while this line is there; then they go ahead
//   slow-sync MILLISECONDS each of them takes so much longer
//   fail-sync ERRNO        each of them fails: EIO, ENOSPC, EDQUOT
//   hold-read THREAD       reads of threads whose names begin so do not return while this line is there; the first one that is held
//                          makes WXPUSH_FAULT_FILE.held
//   fail-write ERRNO       writes, truncations that grow, and allocations fail
// Only descriptors of files below WXPUSH_FAULT_DIR are meant; all other calls pass.
//
// And a wall clock that is stepped: WXPUSH_CLOCK_FILE holds eight bytes, a signed number of seconds in this machine's byte order, which
// is added to the wall clock from the next look at it on. Monotonic clocks go on as they are.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct faults {
  int hold_sync;
  char hold_read[16];  // of threads whose names begin so; empty: none
  long slow_sync;
  int sync_errno;
  int write_errno;
};

static int errno_of(const char* name) {
  if (strcmp(name, "EIO") == 0) return EIO;
  if (strcmp(name, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(name, "EDQUOT") == 0) return EDQUOT;
  fprintf(stderr, "fault shim: unknown errno %s\n", name);
  abort();
}

static struct faults read_faults(void) {
  struct faults found = {0, "", 0, 0, 0};
  const char* path = getenv("WXPUSH_FAULT_FILE");
  if (path == NULL) return found;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return found;
  char text[1024];
  const ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  text[size > 0 ? size : 0] = '\0';
  char* rest = NULL;
  for (char* line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char argument[32] = "";
    if (strcmp(line, "hold-sync") == 0) {
      found.hold_sync = 1;
    } else if (sscanf(line, "hold-read %15s", found.hold_read) == 1) {
    } else if (sscanf(line, "slow-sync %31s", argument) == 1) {
      found.slow_sync = atol(argument);
    } else if (sscanf(line, "fail-sync %31s", argument) == 1) {
      found.sync_errno = errno_of(argument);
    } else if (sscanf(line, "fail-write %31s", argument) == 1) {
      found.write_errno = errno_of(argument);
    } else {
      fprintf(stderr, "fault shim: no such fault: %s\n", line);
      abort();
    }
  }
  return found;
}

static int is_meant(int fd) {
  const char* directory = getenv("WXPUSH_FAULT_DIR");
  if (directory == NULL) return 0;
  char link[64];
  char target[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, target, sizeof target - 1);
  if (size <= 0) return 0;
  target[size] = '\0';
  const size_t prefix = strlen(directory);
  return strncmp(target, directory, prefix) == 0 && (target[prefix] == '/' || target[prefix] == '\0');
}

static void wait_milliseconds(long milliseconds) {
  struct timespec left = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

// 0: go ahead. Otherwise errno is set and the call fails.
static int before_sync(int fd) {
  if (!is_meant(fd)) return 0;
  struct faults now = read_faults();
  if (now.slow_sync > 0) wait_milliseconds(now.slow_sync);
  while (now.hold_sync) {
    wait_milliseconds(5);
    now = read_faults();
  }
  errno = now.sync_errno;
  return now.sync_errno;
}

static int before_write(int fd) {
  if (!is_meant(fd)) return 0;
  const struct faults now = read_faults();
  errno = now.write_errno;
  return now.write_errno;
}

static int is_held(void) {
  char name[17] = "";
  const struct faults now = read_faults();
  prctl(PR_GET_NAME, name);
  return now.hold_read[0] != '\0' && strncmp(name, now.hold_read, strlen(now.hold_read)) == 0;
}

static void before_read(int fd) {
  if (!is_meant(fd)) return;
  for (int told = 0; is_held(); told = 1) {
    char held[4096];
    snprintf(held, sizeof held, "%s.held", getenv("WXPUSH_FAULT_FILE"));
    if (!told) close(open(held, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    wait_milliseconds(5);
  }
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return before_sync(fd) != 0 ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return before_sync(fd) != 0 ? -1 : NEXT(fdatasync)(fd); }

ssize_t write(int fd, const void* bytes, size_t size) {
  return before_write(fd) != 0 ? -1 : NEXT(write)(fd, bytes, size);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return before_write(fd) != 0 ? -1 : NEXT(pwrite)(fd, bytes, size, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return before_write(fd) != 0 ? -1 : NEXT(pwrite64)(fd, bytes, size, offset);
}

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  before_read(fd);
  return NEXT(pread)(fd, bytes, size, offset);
}
ssize_t pread64(int fd, void* bytes, size_t size, off64_t offset) {
  before_read(fd);
  return NEXT(pread64)(fd, bytes, size, offset);
}

static int grows(int fd, off64_t size) {
  struct stat now;
  return fstat(fd, &now) == 0 && size > now.st_size;
}
int ftruncate(int fd, off_t size) {
  return grows(fd, size) && before_write(fd) != 0 ? -1 : NEXT(ftruncate)(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  return grows(fd, size) && before_write(fd) != 0 ? -1 : NEXT(ftruncate64)(fd, size);
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  return before_write(fd) != 0 ? -1 : NEXT(fallocate)(fd, mode, offset, size);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return before_write(fd) != 0 ? -1 : NEXT(fallocate64)(fd, mode, offset, size);
}
// These two answer the errno instead of setting it.
int posix_fallocate(int fd, off_t offset, off_t size) {
  const int error = before_write(fd);
  return error != 0 ? error : NEXT(posix_fallocate)(fd, offset, size);
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  const int error = before_write(fd);
  return error != 0 ? error : NEXT(posix_fallocate64)(fd, offset, size);
}

// Mapped, since the clock is looked at often.
static long long clock_offset(void) {
  static const volatile long long none = 0;
  static const volatile long long* volatile mapped = NULL;
  if (mapped == NULL) {
    const char* path = getenv("WXPUSH_CLOCK_FILE");
    const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void* found = fd >= 0 ? mmap(NULL, sizeof *mapped, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    mapped = found != MAP_FAILED ? found : &none;
  }
  return *mapped;
}

// Asked of the kernel itself: a sanitizer's allocator looks at the clock, and looking the next clock_gettime up would allocate.
int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  const int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_wall) now->tv_sec += clock_offset();
  return result;
}
int gettimeofday(struct timeval* now, void* zone) {
  (void)zone;
  struct timespec exact;
  const int result = clock_gettime(CLOCK_REALTIME, &exact);
  if (result == 0) *now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
  return result;
}
time_t time(time_t* place) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (place != NULL) *place = now.tv_sec;
  return now.tv_sec;
}
