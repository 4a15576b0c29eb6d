// Loads libphlox_compiler from beside the runtime.
#include "tools/compiler_library/compiler_library.h"
#include "phlox/runtime.h"
#include <dlfcn.h>
#include <filesystem>
#include <fmt/core.h>
#include <stdexcept>

namespace phlox::tools {

std::filesystem::path library_folder() {
  Dl_info runtime;
  if (!dladdr(reinterpret_cast<const void *>(phlox_runtime_version), &runtime))
    throw std::runtime_error("the runtime must be a shared library: got none");
  return std::filesystem::canonical(runtime.dli_fname).parent_path();
}

namespace {

const CompilerLibrary *load() {
  auto path = library_folder() / "libphlox_compiler.so";
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw std::runtime_error(
        fmt::format("the compiler cannot be loaded: {}", dlerror()));
  auto query = reinterpret_cast<const CompilerLibrary *(*)()>(
      dlsym(handle, compiler_library_symbol));
  if (!query)
    throw std::runtime_error(fmt::format("{}: must export {}: got none",
                                         path.string(),
                                         compiler_library_symbol));
  return query();
}

} // namespace

const CompilerLibrary &compiler_library() {
  static const CompilerLibrary *library = load();
  return *library;
}

} // namespace phlox::tools
