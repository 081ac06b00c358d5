// What a file held before the writes that were not synced yet: for the disk recorder, whose failing
// sync may take them back. A part of disk_recorder.c, under its lock.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct undo_step {
  struct undo_step* older;
  uint64_t inode;
  off64_t size;    // of the file
  off64_t offset;  // of these bytes
  size_t count;
  char bytes[];
};
static struct undo_step* undo_newest;

static void undo_keep(int fd, uint64_t inode, off64_t offset, off64_t end) {
  struct stat now;
  if (fstat(fd, &now) != 0) abort();
  if (end > now.st_size) end = now.st_size;
  const size_t count = end > offset ? (size_t)(end - offset) : 0;
  struct undo_step* step = malloc(sizeof *step + count);
  if (step == NULL) abort();
  step->older = undo_newest;
  step->inode = inode;
  step->size = now.st_size;
  step->offset = offset;
  step->count = count;
  if (count > 0 && pread64(fd, step->bytes, count, offset) != (ssize_t)count) abort();
  undo_newest = step;
}
static void undo_before_write(int fd, uint64_t inode, off64_t offset, size_t size) {
  undo_keep(fd, inode, offset, offset + (off64_t)size);
}
static void undo_before_truncate(int fd, uint64_t inode, off64_t size) {
  undo_keep(fd, inode, size, INT64_MAX);
}

// Takes the steps of a file out of the list; with a descriptor, newest first, carries them out.
static void undo_leave(uint64_t inode, int fd) {
  for (struct undo_step** place = &undo_newest; *place != NULL;) {
    struct undo_step* step = *place;
    if (step->inode != inode) {
      place = &step->older;
      continue;
    }
    if (fd >= 0) {
      if (syscall(SYS_ftruncate, fd, step->size) != 0) abort();
      if (step->count > 0 && syscall(SYS_pwrite64, fd, step->bytes, step->count, step->offset) < 0)
        abort();
    }
    *place = step->older;
    free(step);
  }
}
static void undo(int fd, uint64_t inode) {
  undo_leave(inode, fd);
}
static void undo_forget(uint64_t inode) {
  undo_leave(inode, -1);
}
