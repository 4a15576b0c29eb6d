// Settings compiled in, by algorithm and by algorithm and task.
#pragma once
#include <string_view>

namespace phlox::tools {

/// Returns the TOML text of rl/presets/NAME.toml, empty if there is none; NAME
/// is "sac" or "sac/lqr".
std::string_view preset(std::string_view name);

} // namespace phlox::tools
