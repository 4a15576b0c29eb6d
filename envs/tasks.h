// The tasks that come with Phlox: one file each, listed in registry.cpp.
#pragma once
#include "envs/registry.h"

namespace phlox::envs {

Entry half_cheetah_entry();
Entry lqr_entry();

} // namespace phlox::envs
