// Checkpoints of VectorEnv. Layout: magic, version, what it was made with, one
// record per environment, the arrays of the last step, checksum.
#include "envs/bytes.h"
#include "envs/vector_env_impl.h"

#include <fmt/format.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr std::uint64_t magic = 0x56455f584f4c4850u; // "PHLOX_EV"
constexpr std::uint32_t version = 1;

[[noreturn]] void refuse(std::string_view what, const auto &required,
                         const auto &got) {
  throw std::runtime_error(fmt::format(
      "environment state: {} must be {}: got {}", what, required, got));
}

void require(std::string_view what, const auto &required, const auto &got) {
  if (required != got)
    refuse(what, required, got);
}

} // namespace

std::vector<std::byte> VectorEnv::save() const {
  ByteWriter out;
  out.number(magic);
  out.number(version);
  out.text(impl_->spec.id);
  out.text(impl_->spec.simulator);
  out.text(impl_->kwargs);
  out.text(impl_->purpose);
  out.number(impl_->seed);
  out.number(static_cast<std::uint64_t>(impl_->slots.size()));
  for (const Slot &slot : impl_->slots) {
    out.number(slot.episode);
    out.number(slot.position);
    out.number(slot.broken);
    out.number(static_cast<std::int32_t>(slot.elapsed));
    out.number(static_cast<std::uint8_t>(slot.started));
    out.number(static_cast<std::uint64_t>(slot.state.size()));
    out.numbers(std::span<const double>(slot.state));
  }
  const Arrays &arrays = impl_->arrays;
  out.numbers(std::span<const float>(arrays.obs));
  out.numbers(std::span<const float>(arrays.next_obs));
  out.numbers(std::span<const double>(arrays.reward));
  out.numbers(std::span<const double>(arrays.episode_return));
  out.numbers(std::span<const std::uint8_t>(arrays.terminated));
  out.numbers(std::span<const std::uint8_t>(arrays.truncated));
  out.numbers(std::span<const int>(arrays.episode_length));
  out.number(hash_bytes(out.bytes()));
  return out.bytes();
}

void VectorEnv::load(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  if (in.number<std::uint64_t>() != magic)
    refuse("first bytes", "PHLOX_EV", "others");
  require("format version", version, in.number<std::uint32_t>());
  if (in.left() < sizeof(std::uint64_t))
    refuse("size", "that of a whole state", bytes.size());
  const auto body = bytes.first(bytes.size() - sizeof(std::uint64_t));
  const auto checksum =
      ByteReader(bytes.subspan(body.size())).number<std::uint64_t>();
  require("checksum", checksum, hash_bytes(body));
  require("task", impl_->spec.id, in.text());
  require("simulator", impl_->spec.simulator, in.text());
  require("keyword arguments", impl_->kwargs, in.text());
  require("purpose", impl_->purpose, in.text());
  require("seed", impl_->seed, in.number<std::uint64_t>());
  require("number of environments", impl_->slots.size(),
          static_cast<std::size_t>(in.number<std::uint64_t>()));

  std::vector<Slot> slots(impl_->slots.size());
  const auto trial = impl_->benches.front().environment->clone();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot &slot = slots[i];
    slot.episode = in.number<std::uint64_t>();
    slot.position = in.number<std::uint64_t>();
    slot.broken = in.number<std::int64_t>();
    slot.elapsed = in.number<std::int32_t>();
    if (slot.elapsed < 0 || slot.elapsed >= impl_->spec.max_episode_steps)
      refuse("elapsed steps", "within the episode's limit", slot.elapsed);
    slot.started = in.number<std::uint8_t>() != 0;
    const auto size = in.number<std::uint64_t>();
    if (size > in.left() / sizeof(double))
      refuse("size of one environment", "within the file", size);
    slot.state.resize(static_cast<std::size_t>(size));
    in.numbers(std::span<double>(slot.state));
    trial->load(slot.state);
  }
  Arrays arrays = impl_->arrays; // the sizes
  in.numbers(std::span<float>(arrays.obs));
  in.numbers(std::span<float>(arrays.next_obs));
  in.numbers(std::span<double>(arrays.reward));
  in.numbers(std::span<double>(arrays.episode_return));
  in.numbers(std::span<std::uint8_t>(arrays.terminated));
  in.numbers(std::span<std::uint8_t>(arrays.truncated));
  in.numbers(std::span<int>(arrays.episode_length));
  require("bytes after the last array", sizeof(std::uint64_t), in.left());
  impl_->slots = std::move(slots);
  impl_->arrays = std::move(arrays);
}

} // namespace phlox::envs
