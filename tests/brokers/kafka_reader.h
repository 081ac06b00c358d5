// What kafka_cluster.c and kafka_reader.c share: a consumer of all that the cluster holds.

#include <librdkafka/rdkafka.h>
#include <stdint.h>

enum { most_topics = 8, most_partitions = 64 };

struct topics {
  const char* bootstrap;  // its servers
  char** names;
  int count;
  int partitions;  // of each
};

_Noreturn void fail(const char* what, const char* why);
void set(rd_kafka_conf_t* conf, const char* name, const char* value);
rd_kafka_t* make(rd_kafka_type_t type, rd_kafka_conf_t* conf);

// Once. With a file, what comes is read on and appended to it from then on.
void begin_reading(const struct topics* topics, const char* path);
// All that the cluster holds now is in the file, if there is one; how much that is, or less than 0:
// a broker is down.
int64_t sync_file(void);
// How far a group came, all partitions together; or less than 0.
int64_t committed(const char* group);
