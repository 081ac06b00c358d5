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
// What the mock does not do (2.0.2): it has no DescribeConfigs; and it does not look at the sequence
// numbers of an idempotent producer. So a repeated request is appended twice, and a request right
// behind a refused one is taken, where a broker refuses it as well: librdkafka then takes the first
// for written, too. Whoever lets requests be refused must have one of each partition on its way.

#define _GNU_SOURCE
#include "kafka_reader.h"

#include <inttypes.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { most_errors = 10000 };

static rd_kafka_mock_cluster_t* cluster;

// --- commands: each answers "ok", or why it failed

static const char* result(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? "ok" : rd_kafka_err2name(error);
}

static const char* counted(int64_t count) {
  static char text[32];
  snprintf(text, sizeof text, "ok %" PRId64, count);
  return count < 0 ? "a broker is down" : text;
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

// A broker is 1, 2, 3 … or -1 for all.
static const char* obey(const char* line) {
  char topic[256];
  int one = 0, two = 0, three = 0;
  if (strcmp(line, "sync\n") == 0) return counted(sync_file());
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
  if (sscanf(line, "committed %255s", topic) == 1) return counted(committed(topic));
  return "no such command";
}

static void make_cluster(int brokers, struct topics* topics) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "log_level", "2");
  cluster = rd_kafka_mock_cluster_new(make(RD_KAFKA_PRODUCER, conf), brokers);
  if (cluster == NULL) fail("the mock cluster", "cannot be made");
  topics->bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
  // With 4, a request may say that no topic is to be made; the mock could but says 2 by default.
  const int16_t metadata = 3;
  rd_kafka_mock_set_apiversion(cluster, metadata, 0, 4);
  for (int i = 0; i < topics->count; ++i) {
    usleep(5000);  // or the mock oversleeps a second: a command right behind another wakes nobody
    const rd_kafka_resp_err_t error =
        rd_kafka_mock_topic_create(cluster, topics->names[i], topics->partitions, 3);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail(topics->names[i], rd_kafka_err2str(error));
  }
}

int main(int count, char** arguments) {
  if (count < 5 || count > 4 + most_topics || atoi(arguments[2]) > most_partitions) {
    fprintf(stderr, "usage: kafka_cluster BROKERS PARTITIONS FILE TOPIC…\n");
    return 64;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // also while it stands still
  static struct topics topics;
  topics.names = arguments + 4;
  topics.count = count - 4;
  topics.partitions = atoi(arguments[2]);
  make_cluster(atoi(arguments[1]), &topics);
  begin_reading(&topics, strcmp(arguments[3], "-") != 0 ? arguments[3] : NULL);
  puts(topics.bootstrap);
  fflush(stdout);
  char line[512];
  while (fgets(line, sizeof line, stdin) != NULL) {
    puts(obey(line));
    fflush(stdout);
  }
  _exit(0);  // the reader's thread may be amid a message; nobody wants it any more
}
