// What this process takes of the machine's memory.
#pragma once
#include <cstdint>

namespace phlox::rl {

struct ProcessMemory {
  std::int64_t now = 0, most = 0; ///< bytes resident; 0: not known
};

/// Asks the system.
ProcessMemory process_memory();

} // namespace phlox::rl
