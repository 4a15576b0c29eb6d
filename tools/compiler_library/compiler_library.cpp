// Loads libphlox_compiler from beside the program.
#include "tools/compiler_library/compiler_library.h"
#include <dlfcn.h>
#include <filesystem>
#include <fmt/core.h>
#include <stdexcept>

namespace phlox::tools {

namespace {
std::filesystem::path library_path() {
  auto folder = std::filesystem::read_symlink("/proc/self/exe")
                    .parent_path()
                    .parent_path();
  return folder / "lib" / "libphlox_compiler.so";
}

const CompilerLibrary *load() {
  auto path = library_path();
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
