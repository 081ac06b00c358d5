// A plain producer with librdkafka, as a measure for the handler of type kafka: idempotent,
// acks=all, with the handler's other settings, and with so many messages unconfirmed at once; each
// message has a key of its own.
//
//   kafka_producer SERVERS TOPIC MESSAGES WINDOW BYTES   prints the seconds from the first message
//   to the last confirmation

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned long confirmed;

static void require(int truth, const char* what) {
  if (truth) return;
  fprintf(stderr, "kafka_producer: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static rd_kafka_t* make_producer(const char* servers) {
  // As handlers/sink/kafka_configuration.cpp.
  const char* const settings[][2] = {
      {"bootstrap.servers", servers},    {"acks", "all"},    {"enable.idempotence", "true"},
      {"partitioner", "murmur2_random"}, {"linger.ms", "1"},
  };
  char error[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (size_t i = 0; i < sizeof settings / sizeof *settings; ++i)
    require(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error, sizeof error) ==
                RD_KAFKA_CONF_OK,
            error);
  rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  require(producer != NULL, error);
  return producer;
}

static void produce(rd_kafka_topic_t* topic, unsigned long number, char* body, size_t size) {
  char key[32];
  const int key_size = snprintf(key, sizeof key, "order-%lu", number);
  require(rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, body, size, key,
                           (size_t)key_size, NULL) == 0,
          "not taken");
}

static void wait_for_confirmations(rd_kafka_queue_t* reports) {
  rd_kafka_event_t* event = rd_kafka_queue_poll(reports, 10000);
  require(event != NULL, "no confirmation");
  const rd_kafka_message_t* message = NULL;
  while ((message = rd_kafka_event_message_next(event)) != NULL) {
    require(message->err == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(message->err));
    ++confirmed;
  }
  rd_kafka_event_destroy(event);
}

int main(int count, char** words) {
  require(count == 6, "SERVERS TOPIC MESSAGES WINDOW BYTES");
  const unsigned long messages = strtoul(words[3], NULL, 10), window = strtoul(words[4], NULL, 10);
  const size_t size = strtoul(words[5], NULL, 10);
  char* const body = malloc(size + 1);
  memset(body, 'x', size);
  rd_kafka_t* producer = make_producer(words[1]);
  rd_kafka_queue_t* reports = rd_kafka_queue_get_main(producer);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, words[2], NULL);
  produce(topic, 0, body, size);  // connections, and the producer's number
  while (confirmed == 0) wait_for_confirmations(reports);

  const double began = now();
  unsigned long published = 0;
  confirmed = 0;
  while (confirmed < messages) {
    for (; published < messages && published - confirmed < window; ++published)
      produce(topic, published, body, size);
    wait_for_confirmations(reports);
  }
  printf("%.3f\n", now() - began);
  rd_kafka_topic_destroy(topic);
  rd_kafka_queue_destroy(reports);
  rd_kafka_destroy(producer);
  free(body);
}
