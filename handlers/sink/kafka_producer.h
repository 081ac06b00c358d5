#pragma once
// A producer for one topic over librdkafka, which only kafka_producer*.cpp see. Not thread-safe.
// Everything may throw LinkError: then the producer is of no use any more.

#include "handlers/sink/kafka.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::sink {

class KafkaProducer {
 public:
  // Nothing: written by as many brokers as the topic asks for.
  using Delivered = std::function<void(std::uint64_t ticket, const Outcome& outcome)>;

  // Asks the brokers for the topic, within the settings' time-out; it must be there.
  explicit KafkaProducer(const KafkaSettings& settings);
  // Lets go of what is on its way, which may arrive nevertheless.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // Takes a copy. Nothing, or why the message was not even taken; that is not told again.
  Outcome produce(std::uint64_t ticket, const std::string& key, const Headers& headers,
                  std::string_view body);
  // To which a key leads.
  int partition(const std::string& key) const;
  bool has_several_partitions() const;
  // What was reported since. Throws, after that, when the producer can go no further.
  void receive(const Delivered& delivered);
  int socket() const noexcept;  // readable: there is something to receive
  // What the brokers' connections suffer from, as far as it is known.
  const std::string& trouble() const noexcept;

  struct Topic {
    int partitions = 0;
    int copies = 0;                     // of the partition that has the fewest
    int behind = 0;                     // partitions with copies that are not in sync
    std::optional<int> in_sync_copies;  // min.insync.replicas; 0: not to be seen, and why
    std::string why_unseen;
    // These are told together with it, or not at all.
    std::string cleanup_policy;
    bool may_elect_unclean = false;       // unclean.leader.election.enable
    std::int64_t most_message_bytes = 0;  // max.message.bytes
  };
  // `in_sync_copies` is asked for, and told by receive() some time later.
  const Topic& topic() const noexcept;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace wxpush::sink
