// Algorithms in shared objects of their own.
#pragma once
#include <string>
#include <vector>

namespace phlox::tools {

/// Loads a shared object and registers its algorithms, once; returns their
/// names. None of its code runs before it is known to fit.
///
/// Errors:  std::runtime_error with the path: no shared object of this machine,
///          none that phlox_add_algorithm made, made for another Phlox, or its
///          algorithms cannot be added.
/// Threads: not beside other functions of the compiler.
const std::vector<std::string> &load_plugin(const std::string &path);

} // namespace phlox::tools
