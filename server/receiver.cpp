#include "server/receiver.h"

#include "config/load.h"
#include "server/run.h"

#include <iostream>
#include <stdexcept>

namespace wxpush {
namespace {

config::Settings load_or_throw(const std::filesystem::path& file) {
  auto loaded = config::load(file, config::process_environment());
  if (auto* settings = std::get_if<config::Settings>(&loaded)) return std::move(*settings);
  std::string all;
  for (const auto& problem : std::get<std::vector<config::Problem>>(loaded))
    all += config::to_string(problem) + "\n";
  throw std::runtime_error(all);
}

}  // namespace

Receiver::Receiver(const std::filesystem::path& settings_file)
    : settings_(load_or_throw(settings_file)) {}
Receiver::~Receiver() = default;

Receiver& Receiver::on_event(std::string name, EventCallback callback,
                             std::vector<std::string> events) {
  callbacks_.on_event(std::move(name), std::move(callback), std::move(events));
  return *this;
}

Receiver& Receiver::on_waybill_status(std::string name, WaybillStatusCallback callback) {
  callbacks_.on_waybill_status(std::move(name), std::move(callback));
  return *this;
}

int Receiver::run() {
  return server::run(settings_, callbacks_, std::cerr);
}

}  // namespace wxpush
