// How many threads this process may keep busy.
#pragma once
#include <string>

namespace phlox::runtime {

/// Returns the smaller of the affinity mask and the cgroup's quota, at least 1.
int available_cores();

/// Returns the whole cores that a cgroup's CPU quota pays for, at least 1, or 0
/// without a quota.
///
/// `membership` is the text of /proc/self/cgroup, `root` the folder where the
/// hierarchies are mounted. All ancestors count, version 2 and version 1.
int cgroup_cores(const std::string &membership, const std::string &root);

} // namespace phlox::runtime
