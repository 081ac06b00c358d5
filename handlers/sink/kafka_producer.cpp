#include "handlers/sink/kafka_producer.h"

#include "handlers/sink/kafka_library.h"

#include <algorithm>
#include <array>
#include <sys/eventfd.h>
#include <unistd.h>

namespace wxpush::sink {

struct KafkaProducer::Library {
  rd_kafka_t* producer = nullptr;
  KafkaQueue queue;  // reports, errors, the log: all that the library tells
  KafkaTopicHandle topic;
  int wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::string trouble;
  std::string broken;  // why it can go no further
  Topic about;

  explicit Library(const KafkaSettings& settings) {
    if (wake_up < 0) throw LinkError("no event descriptor: too many open files");
    try {
      begin(settings);
    } catch (...) {
      end();
      throw;
    }
  }
  ~Library() { end(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void begin(const KafkaSettings& settings) {
    producer = make_kafka_producer(settings);
    queue.reset(rd_kafka_queue_get_main(producer));
    // It is raised when something comes to the empty queue: from the start, or the first is missed,
    // and with it all that come behind it.
    const std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue.get(), wake_up, &one, sizeof one);
    rd_kafka_set_log_queue(producer, queue.get());
    topic.reset(rd_kafka_topic_new(producer, settings.topic.c_str(), nullptr));
    if (!topic)
      throw LinkError("topic " + settings.topic + ": " + rd_kafka_err2str(rd_kafka_last_error()));
    const auto told = metadata(settings.access.timeout);
    about = read_kafka_topic(*told, settings.topic);
    ask_kafka_settings(producer, *told, settings.access.timeout, queue.get());
  }

  void end() noexcept {
    topic.reset();
    if (queue) rd_kafka_queue_io_event_enable(queue.get(), -1, nullptr, 0);
    queue.reset();
    if (producer != nullptr) {
      rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                   RD_KAFKA_PURGE_F_NON_BLOCKING);
      rd_kafka_destroy(producer);
    }
    producer = nullptr;
    if (wake_up >= 0) ::close(wake_up);
    wake_up = -1;
  }

  KafkaMetadata metadata(std::chrono::milliseconds timeout) {
    const rd_kafka_metadata_t* found = nullptr;
    const auto error =
        rd_kafka_metadata(producer, 0, topic.get(), &found, static_cast<int>(timeout.count()));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaMetadata(found);
    take([](auto&&...) {});  // what was logged meanwhile says more than "timed out"
    throw LinkError(std::string("no connection: ") + rd_kafka_err2str(error) +
                    (trouble.empty() ? "" : ": " + trouble));
  }

  void take(const Delivered& delivered) {
    while (const KafkaEvent event{rd_kafka_queue_poll(queue.get(), 0)}) {
      switch (rd_kafka_event_type(event.get())) {
        case RD_KAFKA_EVENT_DR:
          report(*event, delivered);
          break;
        case RD_KAFKA_EVENT_LOG:
          note_log(*event);
          break;
        case RD_KAFKA_EVENT_ERROR:
          note_error(*event);
          break;
        case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
          read_kafka_settings(*event, about);
          break;
        default:
          break;
      }
    }
  }

  void report(rd_kafka_event_t& event, const Delivered& delivered) {
    while (const auto* const message = rd_kafka_event_message_next(&event)) {
      // A producer that can go no further throws away what it had not sent; why, says `broken`.
      if (!broken.empty() && message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE) continue;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) trouble.clear();
      delivered(reinterpret_cast<std::uintptr_t>(message->_private),
                kafka_outcome(message->err, trouble));
    }
  }

  void note_log(rd_kafka_event_t& event) {
    const char *facility = nullptr, *text = nullptr;
    int level = 0;
    constexpr int warning = 4;  // syslog's
    if (rd_kafka_event_log(&event, &facility, &text, &level) == 0 && level <= warning)
      trouble = text;
  }

  void note_error(rd_kafka_event_t& event) {
    const char* const text = rd_kafka_event_error_string(&event);
    if (rd_kafka_event_error_is_fatal(&event) != 0) {
      broken = std::string("the producer can go no further: ") + text;
    } else if (rd_kafka_event_error(&event) != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
               trouble.empty()) {  // which says less than what was told of one of them
      trouble = text;
    }
  }
};

KafkaProducer::KafkaProducer(const KafkaSettings& settings)
    : library_(std::make_unique<Library>(settings)) {}

KafkaProducer::~KafkaProducer() = default;

Outcome KafkaProducer::produce(std::uint64_t ticket, const std::string& key, const Headers& headers,
                               std::string_view body) {
  auto* const told = rd_kafka_headers_new(headers.size());
  for (const auto& [name, value] : headers)
    rd_kafka_header_add(told, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  std::array<rd_kafka_vu_t, 6> arguments{};
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = library_->topic.get();
  arguments[1].vtype = RD_KAFKA_VTYPE_KEY;
  arguments[1].u.mem = {const_cast<char*>(key.data()), key.size()};  // NOLINT(*-const-cast): copied
  arguments[2].vtype = RD_KAFKA_VTYPE_VALUE;
  arguments[2].u.mem = {const_cast<char*>(body.data()), body.size()};  // NOLINT(*-const-cast)
  arguments[3].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[3].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[4].vtype = RD_KAFKA_VTYPE_HEADERS;
  arguments[4].u.headers = told;
  arguments[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a number that comes back in the report
  arguments[5].u.ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket));
  const KafkaOwned<rd_kafka_error_t, rd_kafka_error_destroy> error(
      rd_kafka_produceva(library_->producer, arguments.data(), arguments.size()));
  if (!error) return std::nullopt;
  rd_kafka_headers_destroy(told);  // it is the library's only if it took the message
  return kafka_outcome(rd_kafka_error_code(error.get()), library_->trouble);
}

int KafkaProducer::partition(const std::string& key) const {
  return rd_kafka_msg_partitioner_murmur2(library_->topic.get(), key.data(), key.size(),
                                          std::max(1, library_->about.partitions), nullptr,
                                          nullptr);
}

bool KafkaProducer::has_several_partitions() const {
  return library_->about.partitions > 1;
}

void KafkaProducer::receive(const Delivered& delivered) {
  eventfd_t ignored = 0;
  eventfd_read(library_->wake_up, &ignored);
  library_->take(delivered);
  if (!library_->broken.empty()) throw LinkError("Kafka: " + library_->broken);
}

int KafkaProducer::socket() const noexcept {
  return library_->wake_up;
}
const std::string& KafkaProducer::trouble() const noexcept {
  return library_->trouble;
}
const KafkaProducer::Topic& KafkaProducer::topic() const noexcept {
  return library_->about;
}

}  // namespace wxpush::sink
