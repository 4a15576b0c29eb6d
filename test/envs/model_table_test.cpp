// What Gymnasium's tasks are made of, row by row.
#include "envs/mujoco_task.h"
#include "test/envs/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace phlox::envs {
namespace {

using ::testing::HasSubstr;

struct Row {
  int nq, nv, nbody, nu, obs_size, max_episode_steps;
  mjtIntegrator integrator;
  double timestep, dt, action_reach;
  mjtSolver solver;
  int iterations;
  std::string actuators; // joints in the order of the action
  std::vector<double> gears;
};

const std::string humanoid_actuators =
    "abdomen_y abdomen_z abdomen_x right_hip_x right_hip_z right_hip_y "
    "right_knee left_hip_x left_hip_z left_hip_y left_knee right_shoulder1 "
    "right_shoulder2 right_elbow left_shoulder1 left_shoulder2 left_elbow";
const std::vector<double> humanoid_gears = {100, 100, 100, 100, 100, 300,
                                            200, 100, 100, 300, 200, 25,
                                            25,  25,  25,  25,  25};

const std::map<std::string, Row> &rows() {
  static const std::map<std::string, Row> table = {
      {"Ant-v5",
       {15, 14, 14, 8, 105, 1000, mjINT_RK4, .01, .05, 1, mjSOL_NEWTON, 100,
        "hip_4 ankle_4 hip_1 ankle_1 hip_2 ankle_2 hip_3 ankle_3",
        std::vector<double>(8, 150)}},
      {"HalfCheetah-v5",
       {9,
        9,
        8,
        6,
        17,
        1000,
        mjINT_EULER,
        .01,
        .05,
        1,
        mjSOL_NEWTON,
        100,
        "bthigh bshin bfoot fthigh fshin ffoot",
        {120, 90, 60, 120, 60, 30}}},
      {"Hopper-v5",
       {6, 6, 5, 3, 11, 1000, mjINT_RK4, .002, .008, 1, mjSOL_NEWTON, 100,
        "thigh_joint leg_joint foot_joint", std::vector<double>(3, 200)}},
      {"Humanoid-v5",
       {24, 23, 14, 17, 348, 1000, mjINT_RK4, .003, .015, .4, mjSOL_PGS, 50,
        humanoid_actuators, humanoid_gears}},
      {"HumanoidStandup-v5",
       {24, 23, 14, 17, 348, 1000, mjINT_RK4, .003, .015, .4, mjSOL_PGS, 50,
        humanoid_actuators, humanoid_gears}},
      {"InvertedDoublePendulum-v5",
       {3,
        3,
        4,
        1,
        9,
        1000,
        mjINT_RK4,
        .01,
        .05,
        1,
        mjSOL_NEWTON,
        100,
        "slider",
        {500}}},
      {"InvertedPendulum-v5",
       {2,
        2,
        3,
        1,
        4,
        1000,
        mjINT_RK4,
        .02,
        .04,
        3,
        mjSOL_NEWTON,
        100,
        "slider",
        {100}}},
      {"Pusher-v5",
       {11, 11, 13, 7, 23, 100, mjINT_EULER, .01, .05, 2, mjSOL_NEWTON, 20,
        "r_shoulder_pan_joint r_shoulder_lift_joint r_upper_arm_roll_joint "
        "r_elbow_flex_joint r_forearm_roll_joint r_wrist_flex_joint "
        "r_wrist_roll_joint",
        std::vector<double>(7, 1)}},
      {"Reacher-v5",
       {4,
        4,
        5,
        2,
        10,
        50,
        mjINT_RK4,
        .01,
        .02,
        1,
        mjSOL_NEWTON,
        100,
        "joint0 joint1",
        {200, 200}}},
      {"Swimmer-v5",
       {5,
        5,
        4,
        2,
        8,
        1000,
        mjINT_RK4,
        .01,
        .04,
        1,
        mjSOL_NEWTON,
        100,
        "motor1_rot motor2_rot",
        {150, 150}}},
      {"Walker2d-v5",
       {9, 9, 8, 6, 17, 1000, mjINT_RK4, .002, .008, 1, mjSOL_NEWTON, 100,
        "thigh_joint leg_joint foot_joint thigh_left_joint leg_left_joint "
        "foot_left_joint",
        std::vector<double>(6, 100)}}};
  return table;
}

class ModelTableTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(All, ModelTableTest,
                         ::testing::ValuesIn(simulated_tasks()), case_name);

TEST_P(ModelTableTest, AsInItsRow) {
  ASSERT_TRUE(rows().contains(GetParam()));
  const Row &row = rows().at(GetParam());
  const auto environment = make_environment(GetParam(), {});
  const auto &task = dynamic_cast<const MujocoTask &>(*environment);
  const mjModel &model = task.model();
  const Spec &spec = task.spec();
  EXPECT_EQ(model.nq, row.nq);
  EXPECT_EQ(model.nv, row.nv);
  EXPECT_EQ(model.nbody, row.nbody);
  EXPECT_EQ(model.nu, row.nu);
  EXPECT_EQ(model.opt.integrator, row.integrator);
  EXPECT_EQ(model.opt.timestep, row.timestep);
  EXPECT_EQ(model.opt.solver, row.solver);
  EXPECT_EQ(model.opt.iterations, row.iterations);
  EXPECT_EQ(model.opt.cone, mjCONE_PYRAMIDAL);
  EXPECT_DOUBLE_EQ(task.dt(), row.dt);
  std::string actuators;
  for (int k = 0; k < model.nu; ++k) {
    actuators += k == 0 ? "" : " ";
    actuators += mj_id2name(&model, mjOBJ_JOINT, model.actuator_trnid[2 * k]);
    EXPECT_EQ(model.actuator_gear[6 * k],
              row.gears.at(static_cast<std::size_t>(k)));
  }
  EXPECT_EQ(actuators, row.actuators);
  const auto width = static_cast<std::size_t>(row.nu);
  EXPECT_EQ(spec.action_low, std::vector<double>(width, -row.action_reach));
  EXPECT_EQ(spec.action_high, std::vector<double>(width, row.action_reach));
  EXPECT_EQ(spec.action_size, row.nu);
  EXPECT_EQ(spec.obs_size, row.obs_size);
  EXPECT_EQ(spec.qpos_size, row.nq);
  EXPECT_EQ(spec.qvel_size, row.nv);
  EXPECT_EQ(spec.max_episode_steps, row.max_episode_steps);
  EXPECT_THAT(spec.simulator, HasSubstr("MuJoCo "));
}

// the other tasks' models load without a word
TEST_P(ModelTableTest, WarningsAreKept) {
  const auto environment = make_environment(GetParam(), {});
  if (GetParam() == "HalfCheetah-v5")
    EXPECT_THAT(environment->spec().load_warning, HasSubstr("settotalmass"));
  else
    EXPECT_EQ(environment->spec().load_warning, "");
}

// another model with fewer joints, bodies or names than the task reads
TEST_P(ModelTableTest, AModelThatDoesNotFitIsRefused) {
  const std::string other = GetParam() == "InvertedPendulum-v5"
                                ? "swimmer.xml"
                                : "inverted_pendulum.xml";
  const std::string message = message_of<std::runtime_error>(
      [&] { make_environment(GetParam(), {{"xml_file", other}}); });
  const bool fits = GetParam() == "InvertedPendulum-v5" ||
                    GetParam() == "HalfCheetah-v5" ||
                    GetParam() == "Swimmer-v5";
  if (fits)
    EXPECT_EQ(message, "");
  else if (GetParam() == "Reacher-v5")
    EXPECT_THAT(message, HasSubstr("a body 'fingertip' is required for this "
                                   "task: got world, cart, pole"));
  else
    EXPECT_THAT(message, HasSubstr(" for this task: got "));
}

} // namespace
} // namespace phlox::envs
