// Where model files lie.
#pragma once
#include <string>
#include <string_view>

namespace phlox::envs {

/// Returns the path of a model file. A name that starts with '.' or '/' is a
/// path; any other is looked up in the models that come with Phlox: installed
/// beside the running program (../share/phlox/gymnasium-assets), else in the
/// third_party/ folder of a folder above it, else in that of the checkout it
/// was built from.
///
/// Errors:  std::runtime_error with the name and where it was looked for.
std::string find_model_file(std::string_view name);

} // namespace phlox::envs
