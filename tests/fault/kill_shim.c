// kill -9 at a named point of the real binary, without any switch in it: preload this library.
//
//   LD_PRELOAD=libwxpush_kill_shim.so  WXPUSH_KILL_FILE=/path/of/control  wxpush serve …
//
// The control file is `struct control` below, mapped, so that a test arms a point under a running server, and sees after its death
// whether it was this library that killed. The n-th pass of the point ends the process by SIGKILL. The points:
//   write       a write to the log of a transaction that stores an event returned
//   sync        a sync of that log returned; COMMIT has not
//   commit      the COMMIT of such a transaction returned; nobody knows of it yet
//   reply       the bytes of an answer 200 to a push were given to the socket
//   handled     the answer 2xx of an http handler was read; no mark was made
//   checkpoint  within a checkpoint: a sync of the log or the database, or a write to the database, returned
//   retention   an event was erased, in a transaction that is not committed
//   filing      an id or an order was filed, likewise
//   dropping    a slice of an index whose ids are all forgotten was deleted, or one of its tables was dropped, likewise
//   disk        a write or a sync returned, of whatever file
//
// Statements are known by their SQL, files by their names (docs/store.md): a point that is never passed is told by `passes_left`.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { fired = -1 };

struct control {
  long long passes_left;  // 0: not armed
  char point[24];
};

static _Thread_local int stores_an_event;  // the transaction of this thread, which is the writer
static _Thread_local int in_checkpoint;
static _Thread_local int replies;  // an answer 200 was sealed; it leaves with the next bytes that this thread sends

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct control* control(void) {
  static struct control* volatile mapped = NULL;
  const char* path = mapped == NULL ? getenv("WXPUSH_KILL_FILE") : NULL;
  if (path != NULL) {
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    void* found = fd >= 0 ? mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0) close(fd);
    if (found != MAP_FAILED) mapped = found;
  }
  return mapped;
}

static int is_armed(const char* point) {
  struct control* now = control();
  return now != NULL && __atomic_load_n(&now->passes_left, __ATOMIC_ACQUIRE) > 0 && strcmp(now->point, point) == 0;
}

static void pass(const char* point) {
  if (!is_armed(point) || __atomic_sub_fetch(&control()->passes_left, 1, __ATOMIC_ACQ_REL) != 0) return;
  control()->passes_left = fired;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int is_named(int fd, const char* name) {
  char link[64];
  char target[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, target, sizeof target - 1);
  if (size <= 0) return 0;
  target[size] = '\0';
  const char* last = strrchr(target, '/');
  return last != NULL && strcmp(last + 1, name) == 0;
}

static void after_write(int fd) {
  pass("disk");
  if (is_armed("write") && stores_an_event && is_named(fd, "queue.db-wal")) pass("write");
  if (is_armed("checkpoint") && in_checkpoint && is_named(fd, "queue.db")) pass("checkpoint");
}

static void after_sync(int fd) {
  pass("disk");
  if (is_armed("sync") && stores_an_event && is_named(fd, "queue.db-wal")) pass("sync");
  if (in_checkpoint) pass("checkpoint");
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  const ssize_t result = NEXT(pwrite)(fd, bytes, size, offset);
  if (result >= 0) after_write(fd);
  return result;
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  const ssize_t result = NEXT(pwrite64)(fd, bytes, size, offset);
  if (result >= 0) after_write(fd);
  return result;
}
int fsync(int fd) {
  const int result = NEXT(fsync)(fd);
  if (result == 0) after_sync(fd);
  return result;
}
int fdatasync(int fd) {
  const int result = NEXT(fdatasync)(fd);
  if (result == 0) after_sync(fd);
  return result;
}

static int begins(const char* text, const char* with) { return strncmp(text, with, strlen(with)) == 0; }

int sqlite3_step(sqlite3_stmt* statement) {
  const int result = NEXT(sqlite3_step)(statement);
  const char* sql = control() != NULL ? NEXT(sqlite3_sql)(statement) : NULL;
  if (sql == NULL) return result;
  const int at_filing = begins(sql, "INSERT OR IGNORE INTO known_") || begins(sql, "INSERT OR IGNORE INTO orders_");
  const int at_dropping = begins(sql, "DELETE FROM known_") || begins(sql, "DELETE FROM orders_") || begins(sql, "DROP TABLE ");
  if (begins(sql, "INSERT INTO event(")) {
    stores_an_event = 1;
  } else if (strcmp(sql, "COMMIT") == 0) {
    if (stores_an_event && result == SQLITE_DONE) pass("commit");
    stores_an_event = 0;
  } else if (strcmp(sql, "BEGIN IMMEDIATE") == 0) {
    stores_an_event = 0;  // what was before it was rolled back
  } else if (begins(sql, "DELETE FROM event WHERE ")) {
    pass("retention");
  } else if (at_filing) {
    pass("filing");
  } else if (at_dropping) {
    pass("dropping");
  }
  return result;
}

int sqlite3_wal_checkpoint_v2(sqlite3* database, const char* name, int mode, int* in_log, int* written_back) {
  in_checkpoint = 1;
  const int result = NEXT(sqlite3_wal_checkpoint_v2)(database, name, mode, in_log, written_back);
  in_checkpoint = 0;
  return result;
}

// It sends by itself.
int SSL_write_ex(SSL* ssl, const void* bytes, size_t size, size_t* written) {
  static const char answer[] = "HTTP/1.1 200 ";
  replies = size >= sizeof answer && memcmp(bytes, answer, sizeof answer - 1) == 0;
  const int result = NEXT(SSL_write_ex)(ssl, bytes, size, written);
  replies = 0;
  return result;
}

static void after_send(ssize_t result) {
  if (result <= 0 || !replies) return;
  replies = 0;
  pass("reply");
}
ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  const ssize_t result = NEXT(send)(fd, bytes, size, flags);
  after_send(result);
  return result;
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  const ssize_t result = NEXT(sendmsg)(fd, message, flags);
  after_send(result);
  return result;
}

static void after_receive(const void* bytes, size_t room, ssize_t result) {
  static const char answer[] = "HTTP/1.1 2";
  const size_t wanted = sizeof answer - 1;
  if (result >= (ssize_t)wanted && room >= wanted && memcmp(bytes, answer, wanted) == 0) pass("handled");
}
ssize_t recv(int fd, void* bytes, size_t room, int flags) {
  const ssize_t result = NEXT(recv)(fd, bytes, room, flags);
  after_receive(bytes, room, result);
  return result;
}
ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  const ssize_t result = NEXT(recvmsg)(fd, message, flags);
  if (message->msg_iovlen > 0) after_receive(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len, result);
  return result;
}
