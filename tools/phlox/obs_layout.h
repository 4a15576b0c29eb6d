// What the entries of an observation are.
#pragma once
#include "envs/environment.h"
#include <string>
#include <vector>

namespace phlox::tools {

/// Names each entry of a task's observation: "qpos[2] rooty" where it always
/// is that number of the state, with its joint; "computed" elsewhere. Found by
/// trying states, so it holds for anyone's task.
///
/// Shapes:  (O).
std::vector<std::string> obs_layout(envs::Environment &task);

} // namespace phlox::tools
