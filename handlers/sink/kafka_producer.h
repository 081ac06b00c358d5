#pragma once
// A producer for one topic over librdkafka, which only this pair of files sees. Not thread-safe.
// Everything may throw LinkError.

#include "handlers/sink/kafka.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace wxpush::sink {

class KafkaProducer {
 public:
  // Empty: written by as many brokers as the topic asks for.
  using Delivered =
      std::function<void(std::uint64_t ticket, const std::string& error, bool is_too_large)>;

  // Asks the brokers for the topic, within the settings' time-out.
  explicit KafkaProducer(const KafkaSettings& settings);
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // Empty, or why the message was not even taken.
  std::string produce(std::uint64_t ticket, const std::string& key, const Headers& headers,
                      std::string_view body);
  // What was reported since. A producer that can go no further is a LinkError.
  void receive(const Delivered& delivered);
  int socket() const noexcept;  // readable: there is something to receive
  // What the brokers' connections suffer from, as far as it is known.
  const std::string& trouble() const noexcept;

  struct Topic {
    int partitions = 0;
    int copies = 0;          // of the partition that has the fewest
    int in_sync_copies = 0;  // min.insync.replicas; 0: not to be seen
    std::string why_unseen;
  };
  const Topic& topic() const noexcept;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace wxpush::sink
