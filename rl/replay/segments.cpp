// Replay on disk: segment files that checkpoints share, and their list.
#include "rl/json.h"
#include "rl/replay/replay.h"
#include "runtime/file.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"
#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace phlox::rl {
namespace {

using nlohmann::json;
using runtime::StoredTensor;
using runtime::TensorFile;

constexpr int replay_schema = 1;

template <class T>
std::span<const std::byte> first_bytes(const std::vector<T> &values,
                                       std::size_t count) {
  return std::as_bytes(std::span(values).first(count));
}

void write_segment(const ReplaySegment &segment, const ReplayShape &shape,
                   const std::string &path) {
  const std::int64_t F = segment.filled, O = shape.obs_size,
                     A = shape.action_size,
                     E = static_cast<std::int64_t>(segment.end_at.size());
  const std::array<std::int64_t, 2> obs = {F, O}, action = {F, A},
                                    end_obs = {E, O};
  const std::array<std::int64_t, 1> row = {F}, end = {E};
  const std::array<runtime::TensorView, 7> views = {{
      {"obs", PHLOX_F32, obs, first_bytes(segment.obs, F * O)},
      {"action", PHLOX_F32, action, first_bytes(segment.action, F * A)},
      {"reward", PHLOX_F32, row, first_bytes(segment.reward, F)},
      {"terminated", PHLOX_BOOL, row, first_bytes(segment.terminated, F)},
      {"truncated", PHLOX_BOOL, row, first_bytes(segment.truncated, F)},
      {"end_at", PHLOX_I32, end, first_bytes(segment.end_at, E)},
      {"end_obs", PHLOX_F32, end_obs, first_bytes(segment.end_obs, E * O)},
  }};
  runtime::write_safetensors(path, views);
}

// copies a tensor into the front of a vector after checking its form
template <class T>
void take(const TensorFile &file, const std::string &path, const char *name,
          phlox_dtype dtype, const std::vector<std::int64_t> &shape,
          std::vector<T> &into) {
  const StoredTensor *tensor = file.find(name);
  if (!tensor || tensor->dtype != dtype || tensor->shape != shape)
    throw std::runtime_error(fmt::format(
        "{}: tensor '{}' must be {}: got {}", path, name, fmt::join(shape, "x"),
        tensor ? fmt::format("{}", fmt::join(tensor->shape, "x")) : "none"));
  auto *values = reinterpret_cast<const T *>(tensor->data.data());
  std::copy(values, values + tensor->data.size() / sizeof(T), into.begin());
}

void read_segment(ReplaySegment &segment, const ReplayShape &shape,
                  const std::string &path) {
  const std::int64_t F = segment.filled, O = shape.obs_size,
                     A = shape.action_size;
  TensorFile file = runtime::read_safetensors(path);
  segment.obs.resize(shape.segment * O);
  segment.action.resize(shape.segment * A);
  segment.reward.resize(shape.segment);
  segment.terminated.resize(shape.segment);
  segment.truncated.resize(shape.segment);
  take(file, path, "obs", PHLOX_F32, {F, O}, segment.obs);
  take(file, path, "action", PHLOX_F32, {F, A}, segment.action);
  take(file, path, "reward", PHLOX_F32, {F}, segment.reward);
  take(file, path, "terminated", PHLOX_BOOL, {F}, segment.terminated);
  take(file, path, "truncated", PHLOX_BOOL, {F}, segment.truncated);
  // the ends follow from the flags; the file must agree
  std::vector<std::int32_t> ends;
  for (std::int64_t i = 0; i < F; ++i)
    if (segment.terminated[i] || segment.truncated[i])
      ends.push_back(static_cast<std::int32_t>(i));
  const std::int64_t E = static_cast<std::int64_t>(ends.size());
  segment.end_at.resize(E);
  segment.end_obs.resize(E * O);
  take(file, path, "end_at", PHLOX_I32, {E}, segment.end_at);
  take(file, path, "end_obs", PHLOX_F32, {E, O}, segment.end_obs);
  if (segment.end_at != ends)
    throw std::runtime_error(
        path + ": tensor 'end_at' must list where flags are set: got others");
}

std::string sum_of(const std::string &path) {
  return runtime::to_hex(runtime::sha256(runtime::read_file(path)));
}

} // namespace

std::string Replay::save(const std::string &folder,
                         std::vector<std::string> &written) {
  json rows = json::array();
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    ReplaySegment &segment = *segments_[i];
    std::int64_t number = first_segment_ + static_cast<std::int64_t>(i);
    if (segment.file.empty()) {
      std::string name =
          fmt::format("{:08}-{:06}.safetensors", number, segment.filled);
      std::string path = folder + "/" + name;
      written.push_back(name);
      write_segment(segment, shape_, path);
      segment.sha256 = sum_of(path);
      segment.file = name;
    }
    rows.push_back({{"number", number},
                    {"filled", segment.filled},
                    {"file", segment.file},
                    {"sha256", segment.sha256}});
  }
  json list = {{"schema", replay_schema},
               {"capacity", shape_.capacity},
               {"segment", shape_.segment},
               {"obs_size", shape_.obs_size},
               {"num_envs", shape_.num_envs},
               {"action_size", shape_.action_size},
               {"count", count_},
               {"segments", rows}};
  // as bit patterns: JSON has no infinities
  json latest = json::array();
  for (float value : latest_obs_)
    latest.push_back(std::bit_cast<std::uint32_t>(value));
  list["latest_obs_bits"] = latest;
  return list.dump(1);
}

void Replay::forget(const std::vector<std::string> &files) {
  for (auto &segment : segments_)
    if (std::find(files.begin(), files.end(), segment->file) != files.end())
      segment->file.clear();
}

void Replay::load(const std::string &folder, const std::string &text,
                  bool checked) {
  json list;
  Replay next(shape_);
  std::vector<json> rows;
  try {
    list = parse_json(text);
    const std::pair<const char *, std::int64_t> wanted[] = {
        {"schema", replay_schema},           {"capacity", shape_.capacity},
        {"segment", shape_.segment},         {"obs_size", shape_.obs_size},
        {"action_size", shape_.action_size}, {"num_envs", shape_.num_envs}};
    for (auto [key, value] : wanted)
      if (list.at(key).get<std::int64_t>() != value)
        throw std::runtime_error(
            fmt::format("replay.json: {} must be {}: got {}", key, value,
                        list.at(key).dump()));
    next.count_ = list.at("count").get<std::int64_t>();
    auto latest = list.at("latest_obs_bits").get<std::vector<std::uint32_t>>();
    if (next.count_ < 0 || latest.size() != latest_obs_.size())
      throw std::runtime_error(fmt::format(
          "replay.json: latest_obs_bits must hold {} numbers: got {}",
          latest_obs_.size(), latest.size()));
    for (std::size_t i = 0; i < latest.size(); ++i)
      next.latest_obs_[i] = std::bit_cast<float>(latest[i]);
    rows = list.at("segments").get<std::vector<json>>();
    std::int64_t end = 0; // transitions up to the end of the last segment
    for (const json &row : rows) {
      auto segment = std::make_unique<ReplaySegment>();
      std::int64_t number = row.at("number").get<std::int64_t>();
      segment->filled = row.at("filled").get<std::int64_t>();
      segment->file = row.at("file").get<std::string>();
      segment->sha256 = row.at("sha256").get<std::string>();
      if (number < 0 || number > next.count_ / shape_.segment ||
          segment->filled < 1 || segment->filled > shape_.segment ||
          segment->file.find('/') != std::string::npos)
        throw std::runtime_error("replay.json: segment must lie inside the "
                                 "count: got " +
                                 row.dump());
      if (next.segments_.empty())
        next.first_segment_ = number;
      else if (number * shape_.segment != end)
        throw std::runtime_error("replay.json: segments must follow each "
                                 "other: got a gap before " +
                                 segment->file);
      end = number * shape_.segment + segment->filled;
      next.segments_.push_back(std::move(segment));
    }
    std::int64_t begin = next.first_segment_ * shape_.segment;
    if (end != next.count_ || begin > next.count_ - next.size())
      throw std::runtime_error(
          fmt::format("replay.json: segments must cover {} to {}: got {} to {}",
                      next.count_ - next.size(), next.count_, begin, end));
  } catch (const json::exception &error) {
    throw std::runtime_error(std::string("replay.json: must list segments: "
                                         "got ") +
                             error.what());
  }
  for (auto &segment : next.segments_) {
    std::string path = folder + "/" + segment->file;
    if (std::string sum = checked ? segment->sha256 : sum_of(path);
        sum != segment->sha256)
      throw std::runtime_error(fmt::format("{}: SHA-256 must be {}: got {}",
                                           path, segment->sha256, sum));
    read_segment(*segment, shape_, path);
  }
  *this = std::move(next);
}

} // namespace phlox::rl
