// A plain publisher with librabbitmq, as a measure for the handler of type amqp: persistent messages into a queue, confirmed,
// with so many unconfirmed at once.
//
//   amqp_publisher PORT QUEUE MESSAGES WINDOW BYTES      prints the seconds from the first publish to the last confirmation

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void require(int truth, const char* what) {
  if (truth) return;
  fprintf(stderr, "amqp_publisher: %s\n", what);
  exit(1);
}

static void require_answer(amqp_connection_state_t connection, const char* what) {
  require(amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL, what);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// How many are confirmed after the next confirmation; `confirmed` before it.
static unsigned long wait_for_confirmation(amqp_connection_state_t connection, unsigned long confirmed) {
  amqp_frame_t frame;
  amqp_maybe_release_buffers(connection);
  require(amqp_simple_wait_frame(connection, &frame) == AMQP_STATUS_OK, "connection lost");
  require(frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD, "not confirmed");
  const amqp_basic_ack_t* ack = frame.payload.method.decoded;
  return ack->multiple ? ack->delivery_tag : confirmed + 1;
}

int main(int count, char** words) {
  require(count == 6, "PORT QUEUE MESSAGES WINDOW BYTES");
  const amqp_bytes_t queue = amqp_cstring_bytes(words[2]);
  const unsigned long messages = strtoul(words[3], NULL, 10), window = strtoul(words[4], NULL, 10);
  const size_t size = strtoul(words[5], NULL, 10);
  char* const body = malloc(size + 1);
  memset(body, 'x', size);

  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t* socket = amqp_tcp_socket_new(connection);
  require(amqp_socket_open(socket, "127.0.0.1", atoi(words[1])) == AMQP_STATUS_OK, "no connection");
  require(amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type ==
              AMQP_RESPONSE_NORMAL,
          "no login");
  amqp_channel_open(connection, 1);
  require_answer(connection, "no channel");
  amqp_table_entry_t quorum = {amqp_cstring_bytes("x-queue-type"), {AMQP_FIELD_KIND_UTF8, {0}}};
  quorum.value.value.bytes = amqp_cstring_bytes("quorum");
  amqp_queue_declare(connection, 1, queue, 0, 1, 0, 0, (amqp_table_t){1, &quorum});
  require_answer(connection, "no queue");
  amqp_confirm_select(connection, 1);
  require_answer(connection, "no confirmations");

  amqp_basic_properties_t properties = {0};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  const double began = now();
  unsigned long published = 0, confirmed = 0;
  while (confirmed < messages) {
    while (published < messages && published - confirmed < window) {
      require(amqp_basic_publish(connection, 1, amqp_empty_bytes, queue, 1, 0, &properties, (amqp_bytes_t){size, body}) ==
                  AMQP_STATUS_OK,
              "connection lost");
      ++published;
    }
    confirmed = wait_for_confirmation(connection, confirmed);
  }
  printf("%.3f\n", now() - began);
  amqp_destroy_connection(connection);
  free(body);
}
