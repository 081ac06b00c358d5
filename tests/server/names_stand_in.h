#pragma once
// Stands in for the system's resolver (getaddrinfo) in this program, for names that end in ".test";
// all others go to it.
//   hanging.test  is looked up while a HangingName lives
//   one.test      127.0.0.1
//   two.test      127.0.0.2, then 127.0.0.1

namespace wxpush::test {

// While it lives, hanging.test hangs. It is found nowhere afterwards.
class HangingName {
 public:
  HangingName();
  ~HangingName();
  HangingName(const HangingName&) = delete;
  HangingName& operator=(const HangingName&) = delete;
};

// How many lookups there were, of all names and addresses.
int lookups();

}  // namespace wxpush::test
