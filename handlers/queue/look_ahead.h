#pragma once
// For a process that waits for a store: whether it could open it, seen beside the one that has it.

#include "handlers/queue/body_cipher.h"

#include <filesystem>
#include <vector>

namespace wxpush::queue {

// False: there is no store yet, or one of an older schema, which only its opening brings up to
// date; nothing in it can be read before. Throws StoreOpenError 78 for what opening would refuse:
// no store of ours, a newer schema, bodies sealed with a key that is not among these.
bool look_ahead(const std::filesystem::path& directory, const std::vector<BodyKey>& keys);

}  // namespace wxpush::queue
