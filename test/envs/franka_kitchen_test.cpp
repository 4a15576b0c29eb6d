// The kitchen: noise, control, tasks. Its dynamics are held in
// trajectories_test.cpp and gymnasium_parity.py.
#include "envs/mujoco_task.h"
#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace phlox::envs {
namespace {

using ::testing::HasSubstr;

struct Kitchen {
  explicit Kitchen(const char *id = "FrankaKitchen-v1", Kwargs kwargs = {})
      : environment(make_environment(id, kwargs)),
        task(dynamic_cast<MujocoTask &>(*environment)) {
    Stream noise(1, "env", 0, 0);
    environment->reset(noise);
  }

  std::vector<double> obs() const {
    std::vector<double> numbers(59);
    environment->observe(numbers);
    return numbers;
  }
  StepResult step(const std::vector<double> &action, Stream *noise = nullptr) {
    return environment->step(Action(std::span<const double>(action)), noise);
  }
  // starts from rest with some joints elsewhere
  void start(std::initializer_list<std::pair<int, double>> joints) {
    Stream noise(1, "env", 0, 0);
    environment->reset(noise);
    std::vector<double> qpos(task.data().qpos, task.data().qpos + 30);
    for (const auto &[place, value] : joints)
      qpos[static_cast<std::size_t>(place)] = value;
    environment->set_state(qpos, std::vector<double>(29));
  }

  std::unique_ptr<Environment> environment;
  MujocoTask &task;
};

const std::vector<double> still(9);

TEST(FrankaKitchenTest, WhatIsSeenHasNoiseOfTheConfiguredReach) {
  Kitchen kitchen;
  const int resets = 500;
  // first and last of the arm's positions and velocities, and of the objects'
  const std::pair<std::size_t, double> parts[] = {
      {0, 1e-3},    {8, 1e-3},    {9, 1e-3},  {17, 1e-3},   {18, 5e-5},
      {19, 2.5e-6}, {21, 2.5e-7}, {38, 5e-5}, {39, 2.5e-6}, {58, 5e-5}};
  std::vector<double> squares(std::size(parts)), means(std::size(parts));
  const std::vector<double> qpos(kitchen.task.data().qpos,
                                 kitchen.task.data().qpos + 30);
  for (int episode = 0; episode < resets; ++episode) {
    Stream noise(1, "env", 0, static_cast<std::uint64_t>(episode));
    kitchen.environment->reset(noise);
    EXPECT_EQ(noise.position(), 59u);
    const auto obs = kitchen.obs();
    for (std::size_t k = 0; k < std::size(parts); ++k) {
      const auto [place, reach] = parts[k];
      const double at = place < 9                   ? qpos[place]
                        : place >= 18 && place < 39 ? qpos[place - 9]
                                                    : 0;
      const double seen = obs[place] - at;
      ASSERT_LE(std::abs(seen), reach * (1 + 1e-9)) << place;
      means[k] += seen / reach / resets;
      squares[k] += seen * seen / reach / reach / resets;
    }
  }
  for (std::size_t k = 0; k < std::size(parts); ++k) {
    // five standard errors of U(-1, 1)
    EXPECT_NEAR(means[k], 0, 5 * std::sqrt(1. / 3 / resets)) << k;
    EXPECT_NEAR(squares[k], 1. / 3, 5 * std::sqrt(4. / 45 / resets)) << k;
  }
}

TEST(FrankaKitchenTest, TheArmAimsFromWhereItSeemsToBe) {
  Kitchen kitchen;
  const auto seen = kitchen.obs();
  ASSERT_NE(seen[0], kitchen.task.data().qpos[0]);
  std::vector<double> action = {.5, -.5, 3, 0, 0, 0, 0, 1, -1};
  kitchen.step(action);
  const double *ctrl = kitchen.task.data().ctrl;
  EXPECT_DOUBLE_EQ(ctrl[0], seen[0] + .08);
  EXPECT_EQ(ctrl[1], -1.8); // the end of the configured range
  EXPECT_DOUBLE_EQ(ctrl[2], seen[2] + .16);
  EXPECT_EQ(ctrl[7], .04);
  EXPECT_EQ(ctrl[8], 0);
}

TEST(FrankaKitchenTest, ATaskPaysOnceAndTheLastOneEnds) {
  Kitchen kitchen("kitchen-4");
  kitchen.start({{22, -.7}, {19, .35}}); // microwave, slide cabinet
  StepResult result = kitchen.step(still);
  EXPECT_EQ(result.reward, 2);
  EXPECT_FALSE(result.terminated);
  EXPECT_EQ(kitchen.step(still).reward, 0);
  // what is done outlives a checkpoint
  const auto other = kitchen.environment->clone();
  other->load(kitchen.environment->saved());
  EXPECT_EQ(other->step(Action(std::span<const double>(still)), nullptr).reward,
            0);
  // and a start forgets it
  kitchen.start({{22, -.7}});
  EXPECT_EQ(kitchen.step(still).reward, 1);

  Kitchen one("kitchen-1");
  one.start({{22, -.7}});
  result = one.step(still);
  EXPECT_EQ(result.reward, 1);
  EXPECT_TRUE(result.terminated);
}

TEST(FrankaKitchenTest, TasksMayPayOnEveryStep) {
  Kitchen kitchen("kitchen-1", {{"remove_task_when_completed", false},
                                {"terminate_on_tasks_completed", false}});
  kitchen.start({{22, -.7}});
  for (int t = 0; t < 3; ++t) {
    const StepResult result = kitchen.step(still);
    EXPECT_EQ(result.reward, 1);
    EXPECT_FALSE(result.terminated);
  }
}

TEST(FrankaKitchenTest, WrongKeywordArgumentsAreRefused) {
  const auto of = [](const char *key, const Kwargs &value) {
    return message_of<std::invalid_argument>(
        [&] { make_environment("FrankaKitchen-v1", {{key, value}}); });
  };
  EXPECT_THAT(of("tasks_to_complete", Kwargs::array({"microwave", "sink"})),
              HasSubstr("tasks_to_complete must be of bottom burner, top "
                        "burner, light switch, slide cabinet, hinge cabinet, "
                        "microwave, kettle: got 'sink'"));
  EXPECT_THAT(of("tasks_to_complete", Kwargs::array()),
              HasSubstr("must name at least one task: got none"));
  EXPECT_THAT(of("tasks_to_complete", "kettle"),
              HasSubstr("must be a list of strings: got \"kettle\""));
  EXPECT_THAT(of("tasks_to_complete", Kwargs::array({1})),
              HasSubstr("must be a list of strings: got [1]"));
  EXPECT_THAT(of("robot_noise_ratio", -1.),
              HasSubstr("robot_noise_ratio must be at least 0: got -1"));
}

} // namespace
} // namespace phlox::envs
