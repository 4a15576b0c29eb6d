// Sums of files that belong together, such as parameters and their policy.
#include "phlox/runtime.h"
#include "runtime/file.h"
#include "runtime/sha256.h"
#include "runtime/status.h"

using namespace phlox::runtime;

phlox_status *phlox_file_verify(const char *path, const char *sha256) {
  return guarded([&] {
    require(path, "path");
    require(sha256, "sha256");
    const std::string sum = to_hex(phlox::runtime::sha256(read_file(path)));
    if (sum != sha256)
      throw StatusError(PHLOX_CORRUPT, std::string(path) +
                                           ": SHA-256 must be " + sha256 +
                                           ": got " + sum);
  });
}
