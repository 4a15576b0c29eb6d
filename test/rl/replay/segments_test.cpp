// Replay on disk: what is written when, and that damage is found.
#include "rl/replay/replay.h"
#include "test/rl/trainer/run_lqr.h"
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace phlox::rl::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const ReplayShape shape{100, 2, 1, 2, 32};

void add(Replay &replay, int steps) {
  for (int step = 0; step < steps; ++step) {
    float at = float(replay.count());
    std::vector<float> obs = {at, 1, at, 2}, action = {.5f, -.5f},
                       next = {at + 2, 1, at + 2, 2};
    std::vector<double> reward = {at, -at};
    std::vector<std::uint8_t> terminated = {step % 5 == 4, 0},
                              truncated = {0, step % 9 == 8};
    replay.add({obs, action, next, reward, terminated, truncated});
  }
}

std::vector<float> contents(const Replay &replay) {
  std::vector<float> all;
  for (std::int64_t i = replay.count() - replay.size(); i < replay.count();
       ++i) {
    std::vector<float> obs(2), action(1), reward(1), next(2), ended(1);
    replay.read(i, 0, {obs, action, reward, next, ended});
    for (const auto *part : {&obs, &action, &reward, &next, &ended})
      all.insert(all.end(), part->begin(), part->end());
    all.push_back(replay.truncated(i));
  }
  return all;
}

TEST(Segments, ComeBackAsTheyWere) {
  Scratch folder;
  for (int steps : {1, 15, 16, 17, 50, 51, 100, 137}) {
    Replay replay(shape), other(shape);
    add(replay, steps);
    std::vector<std::string> written;
    std::string list = replay.save(folder.path().string(), written);
    add(other, 3); // must vanish
    other.load(folder.path().string(), list);
    EXPECT_EQ(contents(other), contents(replay)) << steps;
    add(replay, 20);
    add(other, 20);
    EXPECT_EQ(contents(other), contents(replay)) << steps;
  }
}

TEST(Segments, WritesOnlyWhatChanged) {
  Scratch folder;
  Replay replay(shape);
  add(replay, 40); // 80 transitions: two full segments and a half
  std::vector<std::string> first, second, third;
  replay.save(folder.path().string(), first);
  EXPECT_EQ(first.size(), 3u);
  replay.save(folder.path().string(), second);
  EXPECT_TRUE(second.empty());
  add(replay, 1);
  replay.save(folder.path().string(), third);
  ASSERT_EQ(third.size(), 1u);
  EXPECT_NE(third[0], first[2]);
  replay.forget(third);
  third.clear();
  replay.save(folder.path().string(), third);
  EXPECT_EQ(third.size(), 1u);
}

TEST(Segments, FindsDamage) {
  Scratch folder;
  std::string path = folder.path().string();
  Replay replay(shape), other(shape);
  add(replay, 40);
  add(other, 7);
  auto before = contents(other);
  std::vector<std::string> written;
  std::string list = replay.save(path, written);
  auto load = [&](const std::string &text) {
    return [&other, path, text] { other.load(path, text); };
  };
  auto changed = [&](const char *key, nlohmann::json value) {
    nlohmann::json all = nlohmann::json::parse(list);
    all[key] = std::move(value);
    return all.dump();
  };
  EXPECT_THAT(load("{"), ThrowsMessage<std::runtime_error>(
                             HasSubstr("replay.json: must list segments")));
  EXPECT_THAT(load(changed("capacity", 99)),
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("capacity must be 100: got 99")));
  EXPECT_THAT(load(changed("count", 81)),
              ThrowsMessage<std::runtime_error>(HasSubstr("must cover")));
  nlohmann::json gap = nlohmann::json::parse(list)["segments"];
  gap.erase(1);
  EXPECT_THAT(load(changed("segments", gap)),
              ThrowsMessage<std::runtime_error>(HasSubstr("got a gap")));
  gap[0]["number"] = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(load(changed("segments", gap)),
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("must lie inside the count")));
  gap = nlohmann::json::parse(list)["segments"];
  gap[0]["file"] = "../" + gap[0]["file"].get<std::string>();
  EXPECT_THAT(load(changed("segments", gap)),
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("must lie inside the count")));
  EXPECT_THAT(load(changed("latest_obs_bits", {1, 2})),
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("latest_obs_bits must hold 4 numbers: got 2")));
  // a flipped bit in a segment
  std::string bytes = read_text(folder.path() / written[1]);
  bytes[bytes.size() - 9] ^= 4;
  write_text(folder.path() / written[1], bytes);
  EXPECT_THAT(load(list), ThrowsMessage<std::runtime_error>(testing::AllOf(
                              HasSubstr(written[1]), HasSubstr("SHA-256"))));
  EXPECT_EQ(contents(other), before); // untouched by all of that
}

} // namespace
} // namespace phlox::rl::test
