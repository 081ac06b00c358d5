// A Kafka cluster for tests, and a reader of all that it holds: librdkafka's own mock cluster.
//
//   kafka_cluster BROKERS PARTITIONS FILE TOPIC…
//
// The topics have PARTITIONS each, and copies on three brokers or on all. Prints the bootstrap
// servers, then obeys commands on stdin, one a line (see obey()), each answered by one line that
// begins with `ok` or says why not; it ends with stdin. What comes to the topics is appended to
// FILE as lines
//
//   TOPIC PARTITION OFFSET KEY BODY NAME=VALUE…
//
// in hexadecimal, but for the first three (a dash: nothing). It is read continuously, since the
// mock keeps 5 MiB of a partition; a FILE named - means that nobody reads.
//
// What the mock does not do (2.0.2): it does not look at the sequence numbers of an idempotent
// producer, so that a repeated request is appended twice; and there is no DescribeConfigs.

#define _GNU_SOURCE
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { most_topics = 8, most_partitions = 64, most_errors = 10000, patience = 2000 /* ms */ };

static rd_kafka_mock_cluster_t* cluster;
static rd_kafka_t* reader;
static FILE* file;
static char** topics;
static int topic_count, partition_count;
// What is to be read next of each partition.
static _Atomic int64_t positions[most_topics][most_partitions];

static _Noreturn void fail(const char* what, const char* why) {
  fprintf(stderr, "kafka_cluster: %s: %s\n", what, why);
  exit(1);
}

static void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char error[256];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
    fail(name, error);
}

static rd_kafka_t* make(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[256];
  rd_kafka_t* made = rd_kafka_new(type, conf, error, sizeof error);
  if (made == NULL) fail("librdkafka", error);
  return made;
}

// --- the reader

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
  while (i < topic_count && strcmp(topics[i], topic) != 0) ++i;
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

static void make_reader(void) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster));
  set(conf, "group.id", "the reader of the tests");
  set(conf, "enable.auto.commit", "false");
  set(conf, "auto.offset.reset", "error");  // a gap is to be noticed
  set(conf, "fetch.wait.max.ms", "5");
  set(conf, "fetch.error.backoff.ms", "20");
  set(conf, "reconnect.backoff.max.ms", "100");
  set(conf, "topic.metadata.refresh.fast.interval.ms", "50");
  set(conf, "topic.metadata.refresh.interval.ms", "100");
  set(conf, "socket.timeout.ms", "2000");
  set(conf, "log_level", "2");
  reader = make(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(reader);
}

static void read_on(void) {
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(1);
  for (int i = 0; i < topic_count; ++i) {
    for (int j = 0; j < partition_count; ++j)
      rd_kafka_topic_partition_list_add(all, topics[i], j)->offset = 0;
  }
  if (rd_kafka_assign(reader, all) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("assign", "refused");
  rd_kafka_topic_partition_list_destroy(all);
  pthread_t thread;
  if (pthread_create(&thread, NULL, read_all, NULL) != 0) fail("a thread", "refused");
}

// --- commands: each answers "ok", or why it failed

static const char* result(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? "ok" : rd_kafka_err2name(error);
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

// All that the cluster holds now is in the file, if there is one; how much that is.
static const char* sync_file(void) {
  static char counted[32];
  int64_t all = 0;
  for (int i = 0; i < topic_count; ++i) {
    for (int32_t j = 0; j < partition_count; ++j) {
      const int64_t end = end_of(topics[i], j);
      if (end < 0) return "a broker is down";
      all += end;
      while (file != NULL && positions[i][j] < end) usleep(1000);
    }
  }
  snprintf(counted, sizeof counted, "ok %" PRId64, all);
  return counted;
}

// The next COUNT requests of this kind are answered with the error, and do nothing.
static const char* push_errors(int api, int code, int count) {
  if (count < 1 || count > most_errors) return "no such COUNT";
  rd_kafka_resp_err_t* errors = calloc((size_t)count, sizeof *errors);
  for (int i = 0; i < count; ++i) errors[i] = (rd_kafka_resp_err_t)code;
  rd_kafka_mock_push_request_errors_array(cluster, (int16_t)api, (size_t)count, errors);
  free(errors);
  return "ok";
}

static const char* clear_errors(int api) {
  rd_kafka_mock_clear_request_errors(cluster, (int16_t)api);
  return "ok";
}

static const char* set_topic_error(const char* topic, int code) {
  rd_kafka_mock_topic_set_error(cluster, topic, (rd_kafka_resp_err_t)code);
  return "ok";
}

// BROKER is 1, 2, 3 … or -1 for all.
static const char* obey(const char* line) {
  char topic[256];
  int one = 0, two = 0, three = 0;
  if (strcmp(line, "sync\n") == 0) return sync_file();
  if (sscanf(line, "error %d %d %d", &one, &two, &three) == 3) return push_errors(one, two, three);
  if (sscanf(line, "clear %d", &one) == 1) return clear_errors(one);
  if (sscanf(line, "down %d", &one) == 1)
    return result(rd_kafka_mock_broker_set_down(cluster, one));
  if (sscanf(line, "up %d", &one) == 1) return result(rd_kafka_mock_broker_set_up(cluster, one));
  if (sscanf(line, "rtt %d %d", &one, &two) == 2)
    return result(rd_kafka_mock_broker_set_rtt(cluster, one, two));
  if (sscanf(line, "leader %255s %d %d", topic, &one, &two) == 3)
    return result(rd_kafka_mock_partition_set_leader(cluster, topic, one, two));
  if (sscanf(line, "topic %255s %d", topic, &one) == 2) return set_topic_error(topic, one);
  return "no such command";
}

static void make_cluster(int brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "log_level", "2");
  cluster = rd_kafka_mock_cluster_new(make(RD_KAFKA_PRODUCER, conf), brokers);
  if (cluster == NULL) fail("the mock cluster", "cannot be made");
  // With 4, a request may say that no topic is to be made; the mock could but says 2 by default.
  const int16_t metadata = 3;
  rd_kafka_mock_set_apiversion(cluster, metadata, 0, 4);
  for (int i = 0; i < topic_count; ++i) {
    usleep(5000);  // or the mock oversleeps a second: a command right behind another wakes nobody
    const rd_kafka_resp_err_t error =
        rd_kafka_mock_topic_create(cluster, topics[i], partition_count, 3);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(topics[i], rd_kafka_err2str(error));
  }
}

int main(int count, char** arguments) {
  if (count < 5 || count > 4 + most_topics || atoi(arguments[2]) > most_partitions) {
    fprintf(stderr, "usage: kafka_cluster BROKERS PARTITIONS FILE TOPIC…\n");
    return 64;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // also while it stands still
  partition_count = atoi(arguments[2]);
  topics = arguments + 4;
  topic_count = count - 4;
  make_cluster(atoi(arguments[1]));
  make_reader();
  if (strcmp(arguments[3], "-") != 0) {
    file = fopen(arguments[3], "a");
    if (file == NULL) fail(arguments[3], "cannot be written");
    read_on();
  }
  puts(rd_kafka_mock_cluster_bootstraps(cluster));
  fflush(stdout);
  char line[512];
  while (fgets(line, sizeof line, stdin) != NULL) {
    puts(obey(line));
    fflush(stdout);
  }
  _exit(0);  // the reader's thread may be amid a message; nobody wants it any more
}
