// What rewards are made of, against Gymnasium's info, and the kitchen's
// success.
#include "envs/mujoco_task.h"
#include "test/envs/support.h"

#include <cmath>
#include <gmock/gmock.h>
#include <utility>

namespace phlox::envs {
namespace {

struct Parts {
  const char *id;
  std::vector<std::pair<std::string, double>> sums;
};

// sums over 20 steps of Gymnasium 1.4.0 and MuJoCo 4.0.1, float32 actions, from
// a start off the joints' limits
const std::vector<Parts> expected = {
    {"HalfCheetah-v5",
     {{"reward_forward", -0.590408348012093},
      {"reward_ctrl", -0.960731662809849}}},
    {"Hopper-v5",
     {{"reward_forward", -4.91604976527898},
      {"reward_ctrl", -0.00480194596457295},
      {"reward_survive", 20}}},
    {"Walker2d-v5",
     {{"reward_forward", -8.57748001963235},
      {"reward_ctrl", -0.00960731695522554},
      {"reward_survive", 20}}},
    {"Ant-v5",
     {{"reward_forward", -2.02155028488998},
      {"reward_ctrl", -6.44407057762146},
      {"reward_contact", -0.0371359687087632},
      {"reward_survive", 20}}},
    {"Humanoid-v5",
     {{"reward_survive", 100},
      {"reward_forward", -0.0503194284092173},
      {"reward_ctrl", -2.72827837324759},
      {"reward_contact", -6.38738676664463}}},
    {"HumanoidStandup-v5",
     {{"reward_linup", 790.705918117076},
      {"reward_quadctrl", -2.72827837324759},
      {"reward_impact", -4.07348168528244}}},
    {"Swimmer-v5",
     {{"reward_forward", 0.538788778922428},
      {"reward_ctrl", -0.00032747391378507}}},
    {"Reacher-v5",
     {{"reward_dist", -5.21217015850167}, {"reward_ctrl", -3.27473924309015}}},
    {"Pusher-v5",
     {{"reward_dist", -4.5740135548553},
      {"reward_ctrl", -1.12382453307509},
      {"reward_near", -5.216987380589}}},
    {"InvertedPendulum-v5", {{"reward_survive", 8}}},
    {"InvertedDoublePendulum-v5",
     {{"reward_survive", 80},
      {"distance_penalty", -66.2196503342048},
      {"velocity_penalty", -2.90923830480299}}},
};

TEST(RewardPartsTest, AreThoseOfGymnasium) {
  EXPECT_EQ(expected.size(), simulated_tasks().size());
  for (const auto &[id, sums] : expected) {
    SCOPED_TRACE(id);
    const auto environment = make_environment(id, {});
    const Spec &spec = environment->spec();
    std::vector<double> qpos, qvel;
    const mjModel &model = dynamic_cast<MujocoTask &>(*environment).model();
    for (int k = 0; k < spec.qpos_size; ++k)
      qpos.push_back(model.qpos0[k] + .005 * std::sin(k + 1.));
    for (int k = 0; k < spec.qvel_size; ++k)
      qvel.push_back(.005 * std::cos(k + 1.));
    if (spec.id == "Pusher-v5") {
      const double object[] = {-.2, .1, 0, 0};
      std::copy(object, object + 4, qpos.begin() + 7);
      std::fill(qvel.begin() + 7, qvel.end(), 0);
    }
    environment->set_state(qpos, qvel);
    std::vector<double> found(sums.size());
    for (int i = 0; i < 20; ++i) {
      std::vector<float> action;
      for (int j = 0; j < spec.action_size; ++j)
        action.push_back(static_cast<float>(
            std::clamp(.4 * std::sin(.3 * i + j), spec.action_low[j],
                       spec.action_high[j])));
      const double reward =
          environment->step(Action(std::span<const float>(action)), nullptr)
              .reward;
      const auto parts = environment->reward_parts();
      ASSERT_EQ(parts.size(), sums.size());
      double sum = spec.id == "HumanoidStandup-v5" ? 1 : 0; // is no part there
      for (std::size_t k = 0; k < parts.size(); ++k) {
        found[k] += parts[k];
        sum += parts[k];
      }
      EXPECT_NEAR(sum, reward, 1e-12);
    }
    for (std::size_t k = 0; k < sums.size(); ++k) {
      EXPECT_EQ(spec.reward_parts[k], sums[k].first);
      EXPECT_NEAR(found[k], sums[k].second, 1e-8) << sums[k].first;
    }
  }
}

TEST(RewardPartsTest, AVectorHasARowForEachEnvironment) {
  VectorEnv env = make_vector_env("Hopper-v5", {}, 3, 1, "env", 2);
  EXPECT_THAT(
      env.reward_part_names(),
      testing::ElementsAre("reward_forward", "reward_ctrl", "reward_survive"));
  EXPECT_TRUE(env.success().empty());
  env.reset();
  for (int t = 0; t < 5; ++t) {
    env.step(test_actions(env, t));
    for (std::size_t i = 0; i < 3; ++i) {
      const auto parts = env.reward_parts().subspan(3 * i, 3);
      EXPECT_NEAR(parts[0] + parts[1] + parts[2], env.reward()[i], 1e-12);
      EXPECT_EQ(parts[2], 1);
    }
  }
}

TEST(RewardPartsTest, ABrokenStepHasNone) {
  VectorEnv env = make_vector_env("HalfCheetah-v5", {}, 1, 1, "env", 1);
  env.reset();
  env.step(test_actions(env, 0));
  EXPECT_NE(env.reward_parts()[0], 0);
  dynamic_cast<MujocoTask &>(env.environment(0)).data().qpos[0] = NAN;
  env.step(test_actions(env, 1));
  EXPECT_EQ(env.sim_warnings(), 1);
  EXPECT_THAT(env.reward_parts(), testing::Each(0));
}

TEST(SuccessTest, IsTheShareOfTasksDoneInTheEpisode) {
  VectorEnv env = make_vector_env("kitchen-4", {}, 1, 1, "env", 1);
  env.reset();
  const std::vector<float> still(9);
  env.step(still);
  EXPECT_THAT(env.success(), testing::ElementsAre(0));
  auto *qpos = dynamic_cast<MujocoTask &>(env.environment(0)).data().qpos;
  qpos[22] = -.7; // microwave
  env.step(still);
  EXPECT_THAT(env.success(), testing::ElementsAre(.25));
  env.step(still);
  EXPECT_THAT(env.success(), testing::ElementsAre(.25)); // once done
  EXPECT_TRUE(env.reward_part_names().empty());

  // of an episode that ended, not of the one that began with it
  VectorEnv one = make_vector_env("kitchen-1", {}, 1, 1, "env", 1);
  one.reset();
  dynamic_cast<MujocoTask &>(one.environment(0)).data().qpos[22] = -.7;
  one.step(still);
  EXPECT_TRUE(one.terminated()[0]);
  EXPECT_THAT(one.success(), testing::ElementsAre(1));
}

} // namespace
} // namespace phlox::envs
