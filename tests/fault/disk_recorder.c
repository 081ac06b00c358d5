// Writes down everything that a program does to the files of one directory, so that the states a power cut could have left
// can be built afterwards: preload this library.
//
//   LD_PRELOAD=libwxpush_disk_recorder.so WXPUSH_RECORD_ROOT=/path WXPUSH_RECORD_FILE=/path/of/trace  wxpush serve …
//
// The trace is appended to: several lives of a program, and whoever else has something to say (recording.py), share it. A
// record is written after the operation succeeded and before the program hears of it, under one lock: the order in the trace
// is the order on the disk, and nothing that the program did next stands before it. traces.py reads it.
//   WXPUSH_RECORD_KILL_AT=N      kill -9 once the N-th operation was recorded
//   WXPUSH_FAIL_SYNC_AT=N        the N-th sync of a file or directory fails with EIO …
//   WXPUSH_FAIL_SYNC_HOW=drop    … and what was not synced is gone at once; or
//   WXPUSH_FAIL_SYNC_HOW=keep    … it stays readable, marked clean (this is for the model alone: traces.py)
//   WXPUSH_PLANT_SYNCHRONOUS=X   plants a defect: once a store is open, its connection goes on with PRAGMA synchronous = X
// SQLite's shared memory is left out: it is mapped, not written, and rebuilt by whoever opens the store first.

#define _GNU_SOURCE
#include "disk_trace.h"
#include "disk_undo.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// --- what changes a file
static ssize_t note_write(uint64_t inode, const void* bytes, ssize_t written, off64_t offset) {
  if (written > 0) record('W', inode, (uint64_t)offset, "", bytes, (size_t)written);
  return written;
}

// Under the lock, with what lies there now kept for a sync that fails.
#define RECORDED_WRITE(call, size, at)                          \
  const uint64_t inode = meant_open(fd);                        \
  if (inode == 0) return call;                                  \
  pthread_mutex_lock(&mutex);                                   \
  const off64_t place = (at);                                   \
  if (drops) undo_before_write(fd, inode, place, size);         \
  const ssize_t result = note_write(inode, bytes, call, place); \
  pthread_mutex_unlock(&mutex);                                 \
  return result;

ssize_t write(int fd, const void* bytes, size_t size) {
  RECORDED_WRITE(NEXT(write)(fd, bytes, size), size, lseek64(fd, 0, SEEK_CUR))
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  RECORDED_WRITE(NEXT(pwrite)(fd, bytes, size, offset), size, offset)
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  RECORDED_WRITE(NEXT(pwrite64)(fd, bytes, size, offset), size, offset)
}

static int truncated(int fd, off64_t size) {
  const uint64_t inode = meant_open(fd);
  if (inode == 0) return NEXT(ftruncate64)(fd, size);
  pthread_mutex_lock(&mutex);
  if (drops) undo_before_truncate(fd, inode, size);
  const int result = NEXT(ftruncate64)(fd, size);
  if (result == 0) record('T', inode, (uint64_t)size, "", "", 0);
  pthread_mutex_unlock(&mutex);
  return result;
}
int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

static int truncated_by_name(const char* path, off64_t size) {
  if (meant(path) == NULL) return NEXT(truncate64)(path, size);
  const int fd = NEXT(open64)(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return -1;
  const int result = truncated(fd, size);
  close(fd);
  return result;
}
int truncate(const char* path, off_t size) { return truncated_by_name(path, size); }
int truncate64(const char* path, off64_t size) { return truncated_by_name(path, size); }

static int allocated(int fd, int mode, off64_t offset, off64_t size) {
  const uint64_t inode = meant_open(fd);
  if (inode == 0) return NEXT(fallocate64)(fd, mode, offset, size);
  if (mode != 0) abort();  // nothing of ours asks for holes
  pthread_mutex_lock(&mutex);
  struct stat info;
  const int grows = fstat(fd, &info) == 0 && offset + size > info.st_size;
  if (drops && grows) undo_before_truncate(fd, inode, offset + size);
  const int result = NEXT(fallocate64)(fd, mode, offset, size);
  if (result == 0 && grows) record('T', inode, (uint64_t)(offset + size), "", "", 0);
  pthread_mutex_unlock(&mutex);
  return result;
}
int fallocate(int fd, int mode, off_t offset, off_t size) { return allocated(fd, mode, offset, size); }
int fallocate64(int fd, int mode, off64_t offset, off64_t size) { return allocated(fd, mode, offset, size); }
int posix_fallocate(int fd, off_t offset, off_t size) {
  return allocated(fd, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return allocated(fd, 0, offset, size) == 0 ? 0 : errno;
}

// --- what makes it durable
static int synced(int fd, int (*sync_now)(int)) {
  const uint64_t inode = meant_open(fd);
  if (inode == 0) return sync_now(fd);
  pthread_mutex_lock(&mutex);
  int result = 0;
  if (++syncs == fail_sync_at) {
    if (drops) undo(fd, inode);
    record('F', inode, 0, drops ? "drop" : "keep", "", 0);
    errno = EIO;
    result = -1;
  } else {
    result = sync_now(fd);
    if (result == 0) undo_forget(inode);
    if (result == 0) record('S', inode, 0, "", "", 0);
  }
  pthread_mutex_unlock(&mutex);
  return result;
}
int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

// --- the end
// Of one that kills itself: not between another thread's operation and its record.
int raise(int signal_number) {
  if (signal_number == SIGKILL) pthread_mutex_lock(&mutex);
  return NEXT(raise)(signal_number);
}

// --- names
static int opened(int (*open_now)(const char*, int, ...), const char* path, int flags, mode_t mode) {
  const char* name = meant(path);
  if (name == NULL || (flags & (O_CREAT | O_TRUNC)) == 0) return open_now(path, flags, mode);
  pthread_mutex_lock(&mutex);
  struct stat info;
  const int is_new = lstat(path, &info) != 0;
  const int fd = open_now(path, flags, mode);
  if (fd >= 0 && is_new) {
    record('C', inode_of(fd), 0, name, "", 0);
  } else if (fd >= 0 && (flags & O_TRUNC) != 0) {
    record('T', inode_of(fd), 0, "", "", 0);
  }
  pthread_mutex_unlock(&mutex);
  return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, int) : 0;
}
int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return opened(NEXT(open), path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return opened(NEXT(open64), path, flags, mode);
}

int mkdir(const char* path, mode_t mode) {
  const char* name = meant(path);
  if (name == NULL) return NEXT(mkdir)(path, mode);
  pthread_mutex_lock(&mutex);
  const int result = NEXT(mkdir)(path, mode);
  struct stat info;
  if (result == 0 && stat(path, &info) == 0) record('D', info.st_ino, 0, name, "", 0);
  pthread_mutex_unlock(&mutex);
  return result;
}
int unlink(const char* path) {
  const char* name = meant(path);
  if (name == NULL) return NEXT(unlink)(path);
  pthread_mutex_lock(&mutex);
  const int result = NEXT(unlink)(path);
  if (result == 0) record('U', 0, 0, name, "", 0);
  pthread_mutex_unlock(&mutex);
  return result;
}
int rmdir(const char* path) {
  const char* name = meant(path);
  if (name == NULL) return NEXT(rmdir)(path);
  pthread_mutex_lock(&mutex);
  const int result = NEXT(rmdir)(path);
  if (result == 0) record('U', 0, 0, name, "", 0);
  pthread_mutex_unlock(&mutex);
  return result;
}
int remove(const char* path) {
  struct stat info;
  if (meant(path) == NULL || lstat(path, &info) != 0) return NEXT(remove)(path);
  return S_ISDIR(info.st_mode) ? rmdir(path) : unlink(path);
}
int unlinkat(int directory, const char* path, int flags) {
  char whole[sizeof root + 256];
  const int is_below = directory != AT_FDCWD && path[0] != '/';
  if (is_below && !path_below(directory, path, whole, sizeof whole)) abort();
  if (!is_below) snprintf(whole, sizeof whole, "%s", path);
  if (meant(whole) == NULL) return NEXT(unlinkat)(directory, path, flags);
  return (flags & AT_REMOVEDIR) != 0 ? rmdir(whole) : unlink(whole);
}
int rename(const char* from, const char* to) {
  const char* old_name = meant(from);
  const char* new_name = meant(to);
  if (old_name == NULL && new_name == NULL) return NEXT(rename)(from, to);
  if (old_name == NULL || new_name == NULL) abort();  // nothing of ours moves files in or out
  pthread_mutex_lock(&mutex);
  const int result = NEXT(rename)(from, to);
  if (result == 0) record('R', 0, 0, old_name, new_name, strlen(new_name));
  pthread_mutex_unlock(&mutex);
  return result;
}

// --- the planted defect
// Called once a store is open (handlers/queue/checkpointer.cpp), so that the start procedure, which looks at its own syncs,
// is past. The program is what it always is; its SQLite now syncs less.
void* sqlite3_wal_hook(void* connection, void* hook, void* context) {
  typedef void* hook_function(void*, void*, void*);
  typedef int exec_function(void*, const char*, void*, void*, void*);
  const char* planted = getenv("WXPUSH_PLANT_SYNCHRONOUS");
  Dl_info owner;  // SQLite itself sets a hook of its own while it opens
  const int is_ours = hook != NULL && dladdr(hook, &owner) != 0 && strstr(owner.dli_fname, "libsqlite3") == NULL;
  if (planted != NULL && is_ours) {
    char statement[64];
    snprintf(statement, sizeof statement, "PRAGMA synchronous = %s", planted);
    exec_function* exec = (exec_function*)dlsym(RTLD_NEXT, "sqlite3_exec");
    if (exec == NULL || exec(connection, statement, NULL, NULL, NULL) != 0) abort();
  }
  return ((hook_function*)dlsym(RTLD_NEXT, "sqlite3_wal_hook"))(connection, hook, context);
}
