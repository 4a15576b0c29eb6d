#include "rl/replay/replay.h"
#include "rl/replay/threefry.h"
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::rl {
namespace {

template <class T> std::size_t bytes_of(const std::vector<T> &values) {
  return values.size() * sizeof(T);
}

void copy_row(std::span<const float> from, std::span<float> to,
              std::int64_t row) {
  std::copy(from.begin(), from.end(),
            to.begin() + row * static_cast<std::int64_t>(from.size()));
}

std::span<const float> row_of(const std::vector<float> &values,
                              std::int64_t row, int width) {
  return {values.data() + row * width, static_cast<std::size_t>(width)};
}

} // namespace

Replay::Replay(const ReplayShape &shape) : shape_(shape) {
  if (shape.num_envs < 1 || shape.obs_size < 1 || shape.action_size < 1 ||
      shape.segment < 1)
    throw std::runtime_error(fmt::format(
        "replay must hold positive sizes: got {} environments, observations "
        "of {}, actions of {}, segments of {}",
        shape.num_envs, shape.obs_size, shape.action_size, shape.segment));
  // otherwise a successor would be overwritten before its transition
  if (shape.capacity < shape.num_envs)
    throw std::runtime_error(
        fmt::format("replay.capacity must be at least num_envs = {}: got {}",
                    shape.num_envs, shape.capacity));
  shape_.segment = std::min(shape.segment, shape.capacity);
  latest_obs_.resize(std::size_t(shape.num_envs) * shape.obs_size);
}

std::int64_t Replay::size() const { return std::min(count_, shape_.capacity); }

std::int64_t Replay::bytes() const {
  std::size_t total = bytes_of(latest_obs_);
  for (const auto &segment : segments_)
    total += bytes_of(segment->obs) + bytes_of(segment->action) +
             bytes_of(segment->reward) + bytes_of(segment->terminated) +
             bytes_of(segment->truncated) + bytes_of(segment->end_at) +
             bytes_of(segment->end_obs);
  return static_cast<std::int64_t>(total);
}

// opens a segment for the next transition, in the memory of an expired one
void Replay::grow() {
  std::unique_ptr<ReplaySegment> segment;
  std::int64_t oldest = std::max<std::int64_t>(0, count_ + 1 - shape_.capacity);
  while (!segments_.empty() &&
         (first_segment_ + 1) * shape_.segment <= oldest) {
    segment = std::move(segments_.front());
    segments_.pop_front();
    ++first_segment_;
  }
  if (!segment)
    segment = std::make_unique<ReplaySegment>();
  segment->obs.resize(shape_.segment * shape_.obs_size);
  segment->action.resize(shape_.segment * shape_.action_size);
  segment->reward.resize(shape_.segment);
  segment->terminated.resize(shape_.segment);
  segment->truncated.resize(shape_.segment);
  segment->end_at.clear();
  segment->end_obs.clear();
  segment->filled = 0;
  segment->file.clear();
  segments_.push_back(std::move(segment));
}

void Replay::add(const VectorStep &step) {
  const int O = shape_.obs_size, A = shape_.action_size;
  for (int env = 0; env < shape_.num_envs; ++env) {
    if (count_ % shape_.segment == 0)
      grow();
    ReplaySegment &segment = *segments_.back();
    std::int64_t at = segment.filled;
    copy_row(step.obs.subspan(std::size_t(env) * O, O), segment.obs, at);
    copy_row(step.action.subspan(std::size_t(env) * A, A), segment.action, at);
    segment.reward[at] = static_cast<float>(step.reward[env]);
    segment.terminated[at] = step.terminated[env] != 0;
    segment.truncated[at] = step.truncated[env] != 0;
    if (step.terminated[env] || step.truncated[env]) {
      auto final_obs = step.next_obs.subspan(std::size_t(env) * O, O);
      segment.end_at.push_back(static_cast<std::int32_t>(at));
      segment.end_obs.insert(segment.end_obs.end(), final_obs.begin(),
                             final_obs.end());
    }
    ++segment.filled;
    segment.file.clear();
    ++count_;
  }
  std::copy(step.next_obs.begin(), step.next_obs.end(), latest_obs_.begin());
}

Replay::Place Replay::place(std::int64_t index) const {
  return {segments_[index / shape_.segment - first_segment_].get(),
          index % shape_.segment};
}

bool Replay::truncated(std::int64_t index) const {
  Place at = place(index);
  return at.segment->truncated[at.at] != 0;
}

std::span<const float> Replay::obs(std::int64_t index) const {
  Place at = place(index);
  return row_of(at.segment->obs, at.at, shape_.obs_size);
}

// the true final observation where an episode ended, else what the same
// environment saw one vector step later
std::span<const float> Replay::successor(std::int64_t index,
                                         const Place &at) const {
  const ReplaySegment &segment = *at.segment;
  if (segment.terminated[at.at] || segment.truncated[at.at]) {
    auto end = std::lower_bound(segment.end_at.begin(), segment.end_at.end(),
                                static_cast<std::int32_t>(at.at));
    return row_of(segment.end_obs, end - segment.end_at.begin(),
                  shape_.obs_size);
  }
  std::int64_t next = index + shape_.num_envs;
  if (next >= count_)
    return row_of(latest_obs_, next - count_, shape_.obs_size);
  Place there = place(next);
  return row_of(there.segment->obs, there.at, shape_.obs_size);
}

void Replay::prefetch(std::int64_t index) const {
  constexpr std::ptrdiff_t line = 64 / sizeof(float);
  auto each_line = [](std::span<const float> row) {
    for (std::ptrdiff_t at = 0; at < std::ssize(row); at += line)
      __builtin_prefetch(row.data() + at);
    __builtin_prefetch(row.data() + row.size() - 1);
  };
  const Place at = place(index);
  each_line(row_of(at.segment->obs, at.at, shape_.obs_size));
  each_line(row_of(at.segment->action, at.at, shape_.action_size));
  __builtin_prefetch(&at.segment->reward[at.at]);
  __builtin_prefetch(&at.segment->terminated[at.at]);
  __builtin_prefetch(&at.segment->truncated[at.at]);
  if (const std::int64_t next = index + shape_.num_envs; next < count_) {
    const Place there = place(next);
    each_line(row_of(there.segment->obs, there.at, shape_.obs_size));
  }
}

void Replay::read(std::int64_t index, std::int64_t row,
                  const BatchSpans &batch) const {
  Place at = place(index);
  copy_row(row_of(at.segment->obs, at.at, shape_.obs_size), batch.obs, row);
  copy_row(row_of(at.segment->action, at.at, shape_.action_size), batch.action,
           row);
  batch.reward[row] = at.segment->reward[at.at];
  batch.terminated[row] = at.segment->terminated[at.at] ? 1.f : 0.f;
  copy_row(successor(index, at), batch.next_obs, row);
}

void Replay::sample(std::uint64_t seed, std::uint64_t update,
                    const BatchSpans &batch) const {
  if (count_ == 0)
    throw std::runtime_error("replay must hold a transition before an update: "
                             "got none");
  Stream stream(seed, "replay", update);
  const std::int64_t oldest = count_ - size();
  // rows lie anywhere in memory: their loads begin some rows ahead
  constexpr std::size_t ahead = 16;
  std::array<std::int64_t, ahead> drawn;
  const std::size_t rows = batch.reward.size();
  for (std::size_t next = 0; next < rows + ahead; ++next) {
    std::int64_t &index = drawn[next % ahead];
    if (next >= ahead)
      read(index, static_cast<std::int64_t>(next - ahead), batch);
    if (next < rows) {
      index = oldest + static_cast<std::int64_t>(stream.below(next, size()));
      prefetch(index);
    }
  }
}

} // namespace phlox::rl
