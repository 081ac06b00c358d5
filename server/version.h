#pragma once
// The version of this program, as CMakeLists.txt has it.

namespace wxpush::server {

constexpr const char* version = "0.1.0";

}  // namespace wxpush::server
