#pragma once
// Space set aside in a file, so that a full disk still lets delivery marks, pruning and checkpoints
// through: it is given back when a write finds no space, and taking it again is the probe for
// whether space returned.

#include "handlers/queue/disk_health.h"
#include "handlers/queue/store_files.h"

#include <filesystem>

namespace wxpush::queue {

class Reserve {
 public:
  Reserve(std::filesystem::path file, Disk& disk) : file_(std::move(file)), disk_(disk) {}

  // False: there is no space for it. (A file system that cannot do it for another reason does
  // without.)
  bool take();
  void release() noexcept;
  bool taken() const noexcept { return taken_; }

 private:
  std::filesystem::path file_;
  Disk& disk_;
  bool taken_ = false;
};

}  // namespace wxpush::queue
