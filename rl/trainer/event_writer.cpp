#include "rl/trainer/event_writer.h"
#include "rl/trainer/event.pb.h"
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <unistd.h>

namespace phlox::rl {
namespace {

namespace tb = tensorboard;

constexpr int tensor_of_strings = 7; // DT_STRING
constexpr int session_start = 1;     // SessionLog.START

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
    table[i] = value;
  }
  return table;
}
constexpr auto crc_table = make_crc_table();

// the record format rotates and shifts its sums, since data may hold sums too
std::uint32_t masked_crc(std::span<const std::byte> bytes) {
  std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

template <class T> void append(std::string &to, T value) {
  static_assert(std::endian::native == std::endian::little);
  to.append(reinterpret_cast<const char *>(&value), sizeof value);
}

std::span<const std::byte> bytes_of(const std::string &text) {
  return std::as_bytes(std::span(text));
}

constexpr std::string_view prefix = "events.out.tfevents.";

// seconds, but later than every file that is there
std::int64_t next_stamp(const std::string &folder, double seconds) {
  auto stamp = static_cast<std::int64_t>(seconds);
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(prefix))
      stamp = std::max<std::int64_t>(
          stamp, std::strtoll(name.c_str() + prefix.size(), nullptr, 10) + 1);
  }
  return stamp;
}

template <class T> T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

} // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0u;
  for (std::byte byte : bytes)
    crc = crc >> 8 ^
          crc_table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 255];
  return ~crc;
}

EventWriter::EventWriter(const std::string &folder, double start,
                         double seconds, std::int64_t restart_step)
    : start_(start) {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  // readers take files in the order of their names
  static std::atomic<int> count{0};
  path_ =
      fmt::format("{}/{}{:010}.{}.{}.{}", folder, prefix,
                  next_stamp(folder, start + seconds), host, getpid(), count++);
  fd_ = runtime::Descriptor(
      open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (fd_.get() < 0)
    throw runtime::FileError(path_, "create", errno);
  tb::Event event;
  event.set_wall_time(start + seconds);
  event.set_file_version("brain.Event:2");
  record(event.SerializeAsString());
  if (restart_step < 0)
    return;
  event.set_step(restart_step);
  event.mutable_session_log()->set_status(session_start);
  record(event.SerializeAsString());
}

void EventWriter::record(const std::string &event) {
  if (!failure_.empty())
    return;
  std::string frame;
  append(frame, static_cast<std::uint64_t>(event.size()));
  append(frame, masked_crc(bytes_of(frame)));
  frame += event;
  append(frame, masked_crc(bytes_of(event)));
  try {
    runtime::write_exactly(fd_.get(), bytes_of(frame), path_);
  } catch (const runtime::FileError &error) {
    failure_ = error.what();
  }
}

void EventWriter::scalars(std::span<const Scalar> values, std::int64_t step,
                          double seconds) {
  if (values.empty())
    return;
  tb::Event event;
  event.set_wall_time(start_ + seconds);
  event.set_step(step);
  for (const Scalar &scalar : values) {
    auto *value = event.mutable_summary()->add_value();
    value->set_tag(std::string(scalar.tag));
    value->set_simple_value(static_cast<float>(scalar.value));
  }
  record(event.SerializeAsString());
}

void EventWriter::text(std::string_view tag, std::string_view markdown,
                       std::int64_t step, double seconds) {
  tb::Event event;
  event.set_wall_time(start_ + seconds);
  event.set_step(step);
  auto *value = event.mutable_summary()->add_value();
  value->set_tag(std::string(tag) + "/text_summary");
  value->mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
  auto *tensor = value->mutable_tensor();
  tensor->set_dtype(tensor_of_strings);
  tensor->mutable_tensor_shape()->add_dim()->set_size(1);
  tensor->add_string_val(std::string(markdown));
  record(event.SerializeAsString());
}

std::vector<EventRecord> read_events(const std::string &path) {
  std::vector<std::byte> bytes = runtime::read_file(path);
  std::span<const std::byte> rest(bytes);
  auto refuse = [&](const char *what) {
    throw std::runtime_error(
        fmt::format("{}: byte {}: {}", path, bytes.size() - rest.size(), what));
  };
  std::vector<EventRecord> records;
  while (!rest.empty()) {
    if (rest.size() < 16)
      refuse("record must hold a length and two sums: got the file's end");
    if (load<std::uint32_t>(rest.subspan(8)) != masked_crc(rest.first(8)))
      refuse("sum of the length must match: got another");
    auto length = load<std::uint64_t>(rest);
    if (length > rest.size() - 16)
      refuse("record must fit the file: got a longer one");
    auto data = rest.subspan(12, length);
    if (load<std::uint32_t>(rest.subspan(12 + length)) != masked_crc(data))
      refuse("sum of the record must match: got another");
    tb::Event event;
    if (!event.ParseFromArray(data.data(), static_cast<int>(length)))
      refuse("record must be an event: got something else");
    EventRecord &record = records.emplace_back();
    record.wall_time = event.wall_time();
    record.step = event.step();
    record.file_version = event.file_version();
    record.restart = event.has_session_log() &&
                     event.session_log().status() == session_start;
    for (const auto &value : event.summary().value()) {
      if (value.has_tensor() && value.tensor().string_val_size() > 0)
        record.texts.emplace_back(value.tag(), value.tensor().string_val(0));
      else
        record.scalars.emplace_back(value.tag(), value.simple_value());
    }
    rest = rest.subspan(16 + length);
  }
  return records;
}

} // namespace phlox::rl
