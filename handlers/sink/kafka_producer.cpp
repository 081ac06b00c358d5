#include "handlers/sink/kafka_producer.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace wxpush::sink {
namespace {

using std::chrono::milliseconds;

template <auto destroy>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    destroy(object);
  }
};
template <class T, auto destroy>
using Owned = std::unique_ptr<T, Deleter<destroy>>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using EventQueue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using TopicHandle = Owned<rd_kafka_topic_t, rd_kafka_topic_destroy>;

int count(milliseconds time) {
  return static_cast<int>(time.count());
}

class Configuration {
 public:
  ~Configuration() {
    if (conf_ != nullptr) rd_kafka_conf_destroy(conf_);
  }
  Configuration() = default;
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  void set(const char* name, const std::string& value) {
    std::array<char, 512> error{};
    if (rd_kafka_conf_set(conf_, name, value.c_str(), error.data(), error.size()) !=
        RD_KAFKA_CONF_OK)
      throw LinkError(error.data());
  }
  rd_kafka_conf_t* get() { return conf_; }
  void release() { conf_ = nullptr; }

 private:
  rd_kafka_conf_t* conf_ = rd_kafka_conf_new();
};

void set_access(Configuration& conf, const KafkaSettings& settings) {
  const auto& access = settings.access;
  std::string hosts;
  for (const auto& host : access.hosts) hosts += (hosts.empty() ? "" : ",") + to_string(host);
  conf.set("bootstrap.servers", hosts);
  const bool sasl = settings.sasl != KafkaSasl::none;
  conf.set("security.protocol",
           access.tls ? (sasl ? "SASL_SSL" : "SSL") : (sasl ? "SASL_PLAINTEXT" : "PLAINTEXT"));
  if (!access.ca_file.empty()) conf.set("ssl.ca.location", access.ca_file.string());
  if (!access.certificate.empty()) {
    conf.set("ssl.certificate.location", access.certificate.string());
    conf.set("ssl.key.location", access.private_key.string());
  }
  if (!sasl) return;
  conf.set("sasl.mechanisms", settings.sasl == KafkaSasl::plain           ? "PLAIN"
                              : settings.sasl == KafkaSasl::scram_sha_256 ? "SCRAM-SHA-256"
                                                                          : "SCRAM-SHA-512");
  conf.set("sasl.username", access.user);
  conf.set("sasl.password", access.password);
}

void set_promise(Configuration& conf, milliseconds timeout) {
  conf.set("client.id", "wxpush");
  conf.set("acks", "all");
  conf.set("enable.idempotence", "true");
  conf.set("partitioner", "murmur2_random");  // as Kafka's own clients choose by the key
  conf.set("message.timeout.ms", std::to_string(timeout.count()));
  conf.set("request.timeout.ms", std::to_string(timeout.count()));
  conf.set("linger.ms", "1");
  // A push has at most 1 MiB unless somebody allows more; the brokers have a bound of their own.
  conf.set("message.max.bytes", std::to_string(16 << 20));
  conf.set("topic.metadata.refresh.fast.interval.ms", "100");
  conf.set("retry.backoff.ms", "100");
  conf.set("reconnect.backoff.max.ms", "2000");
  conf.set("log.queue", "true");  // not to stderr
}

}  // namespace

struct KafkaProducer::Library {
  rd_kafka_t* producer = nullptr;
  EventQueue queue;
  TopicHandle topic;
  int wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::string trouble;
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
    Configuration conf;
    set_access(conf, settings);
    set_promise(conf, settings.access.timeout);
    rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    std::array<char, 512> error{};
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error.data(), error.size());
    if (producer == nullptr) throw LinkError(error.data());
    conf.release();
    queue.reset(rd_kafka_queue_get_main(producer));
    rd_kafka_set_log_queue(producer, queue.get());
    topic.reset(rd_kafka_topic_new(producer, settings.topic.c_str(), nullptr));
    if (!topic) throw LinkError("topic " + settings.topic + ": " + last_error());
    look_at_topic(settings);
    look_at_settings(settings);
    const std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue.get(), wake_up, &one, sizeof one);
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

  static std::string last_error() { return rd_kafka_err2str(rd_kafka_last_error()); }

  // What was logged meanwhile says more than "timed out".
  std::string why(rd_kafka_resp_err_t error) {
    while (const Event event{rd_kafka_queue_poll(queue.get(), 0)}) note(*event);
    const std::string text = rd_kafka_err2str(error);
    return trouble.empty() ? text : text + ": " + trouble;
  }

  void look_at_topic(const KafkaSettings& settings) {
    const rd_kafka_metadata_t* found = nullptr;
    const auto error =
        rd_kafka_metadata(producer, 0, topic.get(), &found, count(settings.access.timeout));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw LinkError("no connection: " + why(error));
    const Owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy> owned(found);
    if (found->topic_cnt != 1) throw LinkError("topic " + settings.topic + ": not told of");
    const auto& told = found->topics[0];
    if (told.err != RD_KAFKA_RESP_ERR_NO_ERROR || told.partition_cnt == 0)
      throw LinkError("topic " + settings.topic + ": " + rd_kafka_err2str(told.err));
    about.partitions = told.partition_cnt;
    about.copies = told.partitions[0].replica_cnt;
    for (int i = 1; i < told.partition_cnt; ++i)
      about.copies = std::min(about.copies, told.partitions[i].replica_cnt);
  }

  // Only for what we tell people of it.
  void look_at_settings(const KafkaSettings& settings) {
    const EventQueue answers(rd_kafka_queue_new(producer));
    Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy> resource(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, settings.topic.c_str()));
    const Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy> options(
        rd_kafka_AdminOptions_new(producer, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
    std::array<char, 256> error{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), count(settings.access.timeout),
                                              error.data(), error.size());
    auto* const asked = resource.get();
    std::array<rd_kafka_ConfigResource_t*, 1> list{asked};
    rd_kafka_DescribeConfigs(producer, list.data(), list.size(), options.get(), answers.get());
    const Event event(rd_kafka_queue_poll(answers.get(), count(settings.access.timeout)));
    read_settings(event.get());
  }

  void read_settings(rd_kafka_event_t* event) {
    if (event == nullptr) {
      about.why_unseen = "no answer";
      return;
    }
    about.why_unseen = rd_kafka_event_error_string(event);
    const auto* const result = rd_kafka_event_DescribeConfigs_result(event);
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR || result == nullptr) return;
    std::size_t resources = 0;
    auto** const described = rd_kafka_DescribeConfigs_result_resources(result, &resources);
    for (std::size_t i = 0; i < resources; ++i) {
      if (rd_kafka_ConfigResource_error(described[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        about.why_unseen = rd_kafka_ConfigResource_error_string(described[i]);
      std::size_t entries = 0;
      auto** const values = rd_kafka_ConfigResource_configs(described[i], &entries);
      for (std::size_t j = 0; j < entries; ++j) {
        const std::string_view name = rd_kafka_ConfigEntry_name(values[j]);
        const char* const value = rd_kafka_ConfigEntry_value(values[j]);
        if (name == "min.insync.replicas" && value != nullptr)
          about.in_sync_copies = std::atoi(value);
      }
    }
  }

  void note(rd_kafka_event_t& event) {
    if (rd_kafka_event_type(&event) == RD_KAFKA_EVENT_LOG) {
      const char *facility = nullptr, *text = nullptr;
      int level = 0;
      constexpr int warning = 4;  // syslog's
      if (rd_kafka_event_log(&event, &facility, &text, &level) == 0 && level <= warning)
        trouble = text;
    } else if (rd_kafka_event_type(&event) == RD_KAFKA_EVENT_ERROR) {
      if (rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__FATAL) {
        std::array<char, 512> text{};
        rd_kafka_fatal_error(producer, text.data(), text.size());
        throw LinkError("the producer can go no further: " + std::string(text.data()));
      }
      trouble = rd_kafka_event_error_string(&event);
    }
  }

  void report(rd_kafka_event_t& event, const Delivered& delivered) {
    while (const auto* const message = rd_kafka_event_message_next(&event)) {
      const auto ticket = reinterpret_cast<std::uintptr_t>(message->_private);
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        trouble.clear();
        delivered(ticket, {}, false);
      } else {
        std::string text = rd_kafka_err2str(message->err);
        if (message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT && !trouble.empty())
          text += ": " + trouble;
        delivered(ticket, text, message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
      }
    }
  }
};

KafkaProducer::KafkaProducer(const KafkaSettings& settings)
    : library_(std::make_unique<Library>(settings)) {}

KafkaProducer::~KafkaProducer() = default;

std::string KafkaProducer::produce(std::uint64_t ticket, const std::string& key,
                                   const Headers& headers, std::string_view body) {
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
  arguments[5].u.ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket));
  rd_kafka_error_t* const error =
      rd_kafka_produceva(library_->producer, arguments.data(), arguments.size());
  if (error == nullptr) return {};
  rd_kafka_headers_destroy(told);  // it is the library's only if it took the message
  const std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  return text;
}

void KafkaProducer::receive(const Delivered& delivered) {
  eventfd_t ignored = 0;
  eventfd_read(library_->wake_up, &ignored);
  while (const Event event{rd_kafka_queue_poll(library_->queue.get(), 0)}) {
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) {
      library_->report(*event, delivered);
    } else {
      library_->note(*event);
    }
  }
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
