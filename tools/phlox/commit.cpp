// A file of its own, since it changes with each commit.
#include "tools/phlox/commit.h"

namespace phlox::tools {

const char *source_commit() {
  return
#include "tools/phlox/commit.inc"
      ;
}

} // namespace phlox::tools
