// The trace of disk_recorder.c, and which files are meant. A part of it: included once.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct header {  // in this machine's byte order; then the name, then the data
  uint32_t magic;
  uint32_t kind;  // one of the letters below
  uint64_t inode;
  uint64_t offset;
  uint32_t name_size;
  uint32_t data_size;
};
enum { magic = 0x52545857 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[4096];
static size_t root_size;
static int trace = -1;
static long operations, kill_at, syncs, fail_sync_at;
static int drops;

static long number(const char* name) {
  const char* text = getenv(name);
  return text != NULL ? atol(text) : 0;
}

static void record(char kind, uint64_t inode, uint64_t offset, const char* name, const void* data,
                   size_t size) {
  const struct header head = {magic,  (uint32_t)kind,         inode,
                              offset, (uint32_t)strlen(name), (uint32_t)size};
  const struct iovec parts[3] = {
      {(void*)&head, sizeof head}, {(void*)name, head.name_size}, {(void*)data, size}};
  const size_t whole = sizeof head + head.name_size + size;
  // One call: appended as a whole. Asked of the kernel itself, past whoever else is preloaded.
  if (syscall(SYS_writev, trace, parts, 3) != (ssize_t)whole) abort();
  if (kind != 'B' && ++operations == kill_at) kill(getpid(), SIGKILL);
}

__attribute__((constructor)) static void begin(void) {
  const char* directory = getenv("WXPUSH_RECORD_ROOT");
  const char* file = getenv("WXPUSH_RECORD_FILE");
  struct stat info;
  if (directory == NULL || file == NULL || stat(directory, &info) != 0) return;
  kill_at = number("WXPUSH_RECORD_KILL_AT");
  fail_sync_at = number("WXPUSH_FAIL_SYNC_AT");
  const char* how = getenv("WXPUSH_FAIL_SYNC_HOW");
  drops = how != NULL && strcmp(how, "drop") == 0;
  trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (trace < 0) abort();
  snprintf(root, sizeof root, "%s", directory);
  root_size = strlen(root);
  record('B', info.st_ino, 0, "", "", 0);
}

// What stands behind the root in an absolute path of a file that is meant ("" for the root itself);
// else NULL.
static const char* meant(const char* path) {
  if (root_size == 0 || path == NULL || strncmp(path, root, root_size) != 0) return NULL;
  const char* rest = path + root_size;
  if (*rest != '\0' && *rest++ != '/') return NULL;
  const size_t size = strlen(rest);
  return size >= 4 && strcmp(rest + size - 4, "-shm") == 0 ? NULL : rest;
}

static uint64_t inode_of(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

// The path of an open file, or false.
static int path_of(int fd, char* path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t found = readlink(link, path, size - 1);
  if (found <= 0) return 0;
  path[found] = '\0';
  return 1;
}
// Of a name in an open directory.
static int path_below(int directory, const char* name, char* path, size_t size) {
  if (!path_of(directory, path, size)) return 0;
  const size_t above = strlen(path);
  return snprintf(path + above, size - above, "/%s", name) < (int)(size - above);
}

// The inode of an open file that is meant, or 0.
static uint64_t meant_open(int fd) {
  char path[4096];
  if (root_size == 0 || fd == trace || !path_of(fd, path, sizeof path)) return 0;
  return meant(path) != NULL ? inode_of(fd) : 0;
}
