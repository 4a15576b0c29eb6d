// The memory against a plain list of everything that was added.
#include "rl/replay/replay.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace phlox::rl {
namespace {

struct Transition {
  std::vector<float> obs, action, next_obs;
  float reward = 0, terminated = 0;
  bool truncated = false;
  bool operator==(const Transition &) const = default;
};

// n environments whose observations name environment, episode and time
class Walk {
public:
  explicit Walk(const ReplayShape &shape)
      : shape_(shape), times_(shape.num_envs) {
    for (int i = 0; i < shape.num_envs; ++i)
      obs_.push_back(fresh(i));
  }

  void step(Replay &replay) {
    const int n = shape_.num_envs;
    std::vector<float> obs, action, next;
    std::vector<double> reward;
    std::vector<std::uint8_t> terminated, truncated;
    for (int i = 0; i < n; ++i) {
      Transition t;
      t.obs = obs_[i];
      for (int k = 0; k < shape_.action_size; ++k)
        t.action.push_back(uniform_(random_));
      ++times_[i];
      bool ended = random_() % 7 == 0, limit = random_() % 11 == 0;
      t.next_obs = named(i);
      t.reward = uniform_(random_);
      t.terminated = ended;
      t.truncated = limit;
      obs_[i] = ended || limit ? fresh(i) : t.next_obs;
      obs.insert(obs.end(), t.obs.begin(), t.obs.end());
      action.insert(action.end(), t.action.begin(), t.action.end());
      next.insert(next.end(), t.next_obs.begin(), t.next_obs.end());
      reward.push_back(t.reward);
      terminated.push_back(ended);
      truncated.push_back(limit);
      all.push_back(t);
    }
    replay.add({obs, action, next, reward, terminated, truncated});
  }

  std::vector<Transition> all;

private:
  std::vector<float> named(int env) {
    std::vector<float> obs = {float(env), float(++count_), float(times_[env])};
    obs.resize(shape_.obs_size, -1);
    return obs;
  }
  std::vector<float> fresh(int env) {
    times_[env] = 0;
    return named(env);
  }

  ReplayShape shape_;
  std::mt19937 random_{5};
  std::uniform_real_distribution<float> uniform_{-1, 1};
  std::vector<std::vector<float>> obs_;
  std::vector<int> times_;
  int count_ = 0;
};

Transition read(const Replay &replay, std::int64_t index) {
  Transition t;
  t.obs.resize(replay.shape().obs_size);
  t.next_obs.resize(replay.shape().obs_size);
  t.action.resize(replay.shape().action_size);
  replay.read(
      index, 0,
      {t.obs, t.action, {&t.reward, 1}, t.next_obs, {&t.terminated, 1}});
  t.truncated = replay.truncated(index);
  return t;
}

TEST(Replay, HoldsTheNewestWithTheirTrueSuccessors) {
  // segments, capacity and environments that do not divide each other
  for (ReplayShape shape :
       {ReplayShape{100, 3, 2, 1, 16}, ReplayShape{101, 4, 1, 5, 16},
        ReplayShape{7, 3, 1, 7, 3}}) {
    Replay replay(shape);
    Walk walk(shape);
    for (int step = 0; step < 200; ++step) {
      walk.step(replay);
      ASSERT_EQ(replay.count(), std::int64_t(walk.all.size()));
      ASSERT_EQ(replay.size(), std::min(replay.count(), shape.capacity));
      for (std::int64_t i = replay.count() - replay.size(); i < replay.count();
           ++i)
        ASSERT_EQ(read(replay, i), walk.all[i]) << i;
    }
  }
}

TEST(Replay, TakesNoMoreMemoryThanItNeeds) {
  ReplayShape shape{1000, 20, 5, 3, 100};
  Replay replay(shape);
  Walk walk(shape);
  std::int64_t full = 0;
  for (int step = 0; step < 2000; ++step) {
    walk.step(replay);
    if (step == 1000)
      full = replay.bytes();
  }
  // capacity and at most one segment, a quarter of it with a final observation
  EXPECT_LE(replay.bytes(), 1100 * (26 * 4 + 2 + 84 * .3) + 1000);
  EXPECT_NEAR(double(replay.bytes()), double(full), .05 * double(full));
}

TEST(Replay, DrawsEvenlyAndTheSameForOneUpdate) {
  ReplayShape shape{50, 3, 1, 5, 16};
  Replay replay(shape);
  Walk walk(shape);
  for (int step = 0; step < 25; ++step)
    walk.step(replay);
  const int B = 64;
  std::vector<float> obs(B * 3), action(B), reward(B), next(B * 3), ended(B);
  BatchSpans batch{obs, action, reward, next, ended};
  std::map<float, int> counts; // the second number names an observation
  for (std::uint64_t update = 0; update < 1000; ++update) {
    replay.sample(9, update, batch);
    for (int row = 0; row < B; ++row)
      ++counts[obs[row * 3 + 1]];
  }
  ASSERT_EQ(counts.size(), 50u);
  for (auto [name, count] : counts)
    EXPECT_NEAR(count, 1280, 5 * 36);
  std::vector<float> before = obs;
  replay.sample(9, 998, batch);
  EXPECT_NE(obs, before);
  replay.sample(9, 999, batch);
  EXPECT_EQ(obs, before);
  replay.sample(10, 999, batch);
  EXPECT_NE(obs, before);
}

TEST(Replay, RefusesWhatCannotWork) {
  EXPECT_THROW(Replay({4, 3, 1, 5, 16}), std::runtime_error);
  EXPECT_THROW(Replay({10, 0, 1, 5, 16}), std::runtime_error);
  Replay replay({10, 1, 1, 1, 16});
  std::vector<float> one(1);
  EXPECT_THROW(replay.sample(1, 1, {one, one, one, one, one}),
               std::runtime_error);
}

} // namespace
} // namespace phlox::rl
