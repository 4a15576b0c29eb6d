// Which build of the compiler this is.
#pragma once
#include <string>

namespace phlox {

/// Returns the linker's build id of the library that holds the compiler, as
/// hexadecimal digits; "unknown" if it was linked without one.
std::string buildId();

} // namespace phlox
