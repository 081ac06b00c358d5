// A back end that is never the limit: one thread, keep-alive, 204 to every POST; and its own ledger
// of what came.
//
//   fast_backend PORT EVENTS     listens on 127.0.0.1:PORT (0: any); room for so many events;
//   prints the port
//
// Any GET answers {"requests":…,"events":…,"out_of_order":…}. `events` are distinct ones, by
// webhook-id. An event is out of order if it comes for the first time after a later one of its
// order (ce-subject) did: the twelve digits at the end of its waybill_id rise within an order, as
// those of `wxpush bench` do.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_peers = 4096, buffer_size = 64 * 1024 };

struct peer {
  size_t used;
  char bytes[buffer_size + 1];
};

// Open addressing; 0 is no key. Half of it stays empty.
struct table {
  uint64_t mask;
  uint64_t* keys;
  uint64_t* values;
};

static struct peer* peers[most_peers];  // by descriptor
static struct table events, orders;
static uint64_t requests, distinct, out_of_order;

static _Noreturn void fail(const char* what) {
  perror(what);
  exit(1);
}

static struct table make_table(uint64_t entries) {
  uint64_t slots = 1024;
  while (slots < 2 * entries) slots *= 2;
  const struct table made = {slots - 1, calloc(slots, sizeof(uint64_t)),
                             calloc(slots, sizeof(uint64_t))};
  if (made.keys == NULL || made.values == NULL) fail("memory");
  return made;
}

static uint64_t slot_of(const struct table* table, uint64_t key) {
  uint64_t slot = key & table->mask;
  while (table->keys[slot] != 0 && table->keys[slot] != key) slot = (slot + 1) & table->mask;
  return slot;
}

static uint64_t hash_of(const char* text, size_t size) {
  uint64_t hash = 1469598103934665603U;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ (unsigned char)text[i]) * 1099511628211U;
  hash ^= hash >> 29;
  return hash != 0 ? hash : 1;
}

// The value of a header, or an empty one. `head` ends with an empty line.
static const char* header(const char* head, const char* name, size_t* size) {
  const size_t length = strlen(name);
  for (const char* line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':') continue;
    const char* value = line + 3 + length;
    while (*value == ' ') ++value;
    *size = (size_t)(strstr(value, "\r\n") - value);
    return value;
  }
  *size = 0;
  return "";
}

static uint64_t number_of(const char* body, const char* end) {
  static const char name[] = "\"waybill_id\":\"";
  if (end <= body) return 0;
  const char* found = memmem(body, (size_t)(end - body), name, sizeof name - 1);
  if (found == NULL) return 0;
  found += sizeof name - 1;
  const char* quote = memchr(found, '"', (size_t)(end - found));
  return quote != NULL && quote - found >= 12 ? strtoull(quote - 12, NULL, 10) + 1 : 0;
}

static void note(const char* head, const char* body, const char* end) {
  ++requests;
  size_t size = 0;
  const char* id = header(head, "webhook-id", &size);
  const uint64_t event = hash_of(id, size);
  const uint64_t place = slot_of(&events, event);
  if (events.keys[place] == event) return;
  if (++distinct > events.mask * 3 / 4) {
    fprintf(stderr, "fast_backend: more events than told\n");
    exit(1);
  }
  events.keys[place] = event;
  const char* subject = header(head, "ce-subject", &size);
  const uint64_t order = hash_of(subject, size);
  const uint64_t number = number_of(body, end);
  const uint64_t at = slot_of(&orders, order);
  orders.keys[at] = order;
  if (number < orders.values[at]) {
    ++out_of_order;
  } else {
    orders.values[at] = number;
  }
}

static void answer(int fd, const char* text, size_t size) {
  if (send(fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
    shutdown(fd, SHUT_RDWR);  // short answers: there is room, or no peer
}

static void answer_count(int fd) {
  char body[160], text[320];
  const int size = snprintf(
      body, sizeof body, "{\"requests\":%llu,\"events\":%llu,\"out_of_order\":%llu}\n",
      (unsigned long long)requests, (unsigned long long)distinct, (unsigned long long)out_of_order);
  const int whole =
      snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s", size, body);
  answer(fd, text, (size_t)whole);
}

// Answers all whole requests in the buffer. 0: the peer sent what this does not understand.
static int serve(int fd, struct peer* peer) {
  static const char done[] = "HTTP/1.1 204 No Content\r\n\r\n";
  char* at = peer->bytes;
  for (;;) {
    peer->bytes[peer->used] = '\0';
    char* empty_line = strstr(at, "\r\n\r\n");
    if (empty_line == NULL) break;
    char* body = empty_line + 4;
    const char kept = *body;
    *body = '\0';  // the head is text of its own
    size_t size = 0;
    const char* told = header(at, "content-length", &size);
    const size_t length = size > 0 ? strtoul(told, NULL, 10) : 0;
    const int is_get = strncmp(at, "GET ", 4) == 0;
    if (body + length > peer->bytes + peer->used) {
      *body = kept;
      if (body - at + length > buffer_size) return 0;
      break;
    }
    if (is_get) {
      answer_count(fd);
    } else {
      note(at, body + 1, body + length);  // without the brace at its begin
      answer(fd, done, sizeof done - 1);
    }
    *body = kept;
    at = body + length;
  }
  peer->used -= (size_t)(at - peer->bytes);
  memmove(peer->bytes, at, peer->used);
  return peer->used < buffer_size;
}

static void hang_up(int fd) {
  close(fd);
  free(peers[fd]);
  peers[fd] = NULL;
}

static void receive(int fd) {
  struct peer* peer = peers[fd];
  const ssize_t got = recv(fd, peer->bytes + peer->used, buffer_size - peer->used, 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return hang_up(fd);
  peer->used += (size_t)got;
  if (!serve(fd, peer)) hang_up(fd);
}

static void take_in(int epoll, int listener) {
  const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = fd}};
  if (fd >= most_peers || (peers[fd] = malloc(sizeof(struct peer))) == NULL ||
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) != 0)
    fail("a connection");
  peers[fd]->used = 0;
}

static int listen_on(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 ||
      listen(listener, 1024) != 0 || getsockname(listener, (struct sockaddr*)&address, &size) != 0)
    fail("listen");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

int main(int count, char** arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: fast_backend PORT EVENTS\n");
    return 64;
  }
  const uint64_t expected = strtoull(arguments[2], NULL, 10);
  events = make_table(expected);
  orders = make_table(expected);
  const int listener = listen_on(atoi(arguments[1]));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = listener}};
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted) != 0) fail("epoll");
  for (;;) {
    struct epoll_event found[64];
    const int ready = epoll_wait(epoll, found, 64, -1);
    for (int i = 0; i < ready; ++i) {
      if (found[i].data.fd == listener) {
        take_in(epoll, listener);
      } else {
        receive(found[i].data.fd);
      }
    }
  }
}
