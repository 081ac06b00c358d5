#define _GNU_SOURCE
#include "kafka_reader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { patience = 2000 /* ms */ };

static const struct topics* topics;
static rd_kafka_t* reader;
static FILE* file;
// What is to be read next of each partition.
static _Atomic int64_t positions[most_topics][most_partitions];

_Noreturn void fail(const char* what, const char* why) {
  fprintf(stderr, "kafka_cluster: %s: %s\n", what, why);
  exit(1);
}

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char error[256];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
    fail(name, error);
}

rd_kafka_t* make(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[256];
  rd_kafka_t* made = rd_kafka_new(type, conf, error, sizeof error);
  if (made == NULL) fail("librdkafka", error);
  return made;
}

static void put_hex(const void* data, size_t size) {
  static const char digits[] = "0123456789abcdef";
  const unsigned char* bytes = data;
  if (size == 0) putc('-', file);
  for (size_t i = 0; i < size; ++i) {
    putc(digits[bytes[i] >> 4], file);
    putc(digits[bytes[i] & 15], file);
  }
}

static int index_of(const char* topic) {
  int i = 0;
  while (i < topics->count && strcmp(topics->names[i], topic) != 0) ++i;
  return i;
}

static void put_headers(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = NULL;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = NULL;
  const void* value = NULL;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
    putc(' ', file);
    put_hex(name, strlen(name));
    putc('=', file);
    put_hex(value, size);
  }
}

static void note(const rd_kafka_message_t* message) {
  const char* topic = rd_kafka_topic_name(message->rkt);
  fprintf(file, "%s %" PRId32 " %" PRId64 " ", topic, message->partition, message->offset);
  put_hex(message->key, message->key_len);
  putc(' ', file);
  put_hex(message->payload, message->len);
  put_headers(message);
  putc('\n', file);
  fflush(file);
  positions[index_of(topic)][message->partition] = message->offset + 1;
}

static void* read_all(void* unused) {
  (void)unused;
  for (;;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(reader, 50);
    if (message == NULL) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      note(message);
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
      fail("the mock dropped what was not read yet", rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
}

static rd_kafka_t* make_consumer(const char* group) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", topics->bootstrap);
  set(conf, "group.id", group);
  set(conf, "enable.auto.commit", "false");
  set(conf, "auto.offset.reset", "error");  // a gap is to be noticed
  set(conf, "fetch.wait.max.ms", "5");
  set(conf, "fetch.error.backoff.ms", "20");
  set(conf, "reconnect.backoff.max.ms", "100");
  set(conf, "topic.metadata.refresh.fast.interval.ms", "50");
  set(conf, "topic.metadata.refresh.interval.ms", "100");
  set(conf, "socket.timeout.ms", "2000");
  set(conf, "log_level", "2");
  return make(RD_KAFKA_CONSUMER, conf);
}

// Every partition from its beginning.
static rd_kafka_topic_partition_list_t* all_partitions(void) {
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(most_partitions);
  for (int i = 0; i < topics->count; ++i) {
    for (int j = 0; j < topics->partitions; ++j)
      rd_kafka_topic_partition_list_add(all, topics->names[i], j)->offset = 0;
  }
  return all;
}

void begin_reading(const struct topics* of, const char* path) {
  topics = of;
  reader = make_consumer("the reader of the tests");
  rd_kafka_poll_set_consumer(reader);
  if (path == NULL) return;
  file = fopen(path, "a");
  if (file == NULL) fail(path, "cannot be written");
  rd_kafka_topic_partition_list_t* all = all_partitions();
  if (rd_kafka_assign(reader, all) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("assign", "refused");
  rd_kafka_topic_partition_list_destroy(all);
  pthread_t thread;
  if (pthread_create(&thread, NULL, read_all, NULL) != 0) fail("a thread", "refused");
}

// Where the partition ends now, or less than 0.
static int64_t end_of(const char* topic, int32_t partition) {
  int64_t low = 0, high = 0;
  rd_kafka_resp_err_t error;
  do {
    usleep(1000);
    error = rd_kafka_query_watermark_offsets(reader, topic, partition, &low, &high, patience);
  } while (error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);  // the topic came back just now
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? high : -1;
}

int64_t sync_file(void) {
  int64_t all = 0;
  for (int i = 0; i < topics->count; ++i) {
    for (int32_t j = 0; j < topics->partitions; ++j) {
      const int64_t end = end_of(topics->names[i], j);
      if (end < 0) return end;
      all += end;
      while (file != NULL && positions[i][j] < end) usleep(1000);
    }
  }
  return all;
}

int64_t committed(const char* group) {
  rd_kafka_t* member = make_consumer(group);
  rd_kafka_topic_partition_list_t* all = all_partitions();
  int64_t sum = -1;
  if (rd_kafka_committed(member, all, patience) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    sum = 0;
    for (int i = 0; i < all->cnt; ++i) sum += all->elems[i].offset > 0 ? all->elems[i].offset : 0;
  }
  rd_kafka_topic_partition_list_destroy(all);
  rd_kafka_destroy(member);
  return sum;
}
