#pragma once
// Which life of a store this is: a random number, given when the store is made, and a new one when
// a backup of it is restored. The ids of events are unique within one incarnation: a restored store
// gives those again that were given after its backup was taken.

#include <cstdint>
#include <string>

namespace wxpush::crypto {
class Random;
}

namespace wxpush::queue {

using Incarnation = std::uint64_t;  // 0: none yet (a store of an older program, not started since)

Incarnation fresh_incarnation(crypto::Random& random);
std::string to_text(Incarnation incarnation);  // 16 hexadecimal digits

}  // namespace wxpush::queue
