#include "rl/trainer/process_memory.h"
#include <fstream>
#include <string>

namespace phlox::rl {

ProcessMemory process_memory() {
  ProcessMemory memory;
  std::ifstream status("/proc/self/status"); // has no size to read by
  for (std::string word; status >> word;)
    if (word == "VmRSS:")
      status >> memory.now;
    else if (word == "VmHWM:")
      status >> memory.most;
  return {memory.now * 1024, memory.most * 1024};
}

} // namespace phlox::rl
