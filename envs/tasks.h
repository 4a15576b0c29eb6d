// The tasks that come with Phlox: one file each, listed in registry.cpp.
#pragma once
#include "envs/registry.h"

namespace phlox::envs {

Entry ant_entry();
Entry bandit_1d_entry();
Entry franka_kitchen_entry();
Entry half_cheetah_entry();
Entry hopper_entry();
Entry humanoid_entry();
Entry humanoid_standup_entry();
Entry inverted_double_pendulum_entry();
Entry inverted_pendulum_entry();
Entry kitchen_1_entry();
Entry kitchen_4_entry();
Entry lqr_entry();
Entry multigoal_bandit_entry();
Entry multigoal_entry();
Entry pusher_entry();
Entry reacher_entry();
Entry swimmer_entry();
Entry walker2d_entry();

} // namespace phlox::envs
