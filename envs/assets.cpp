#include "envs/assets.h"

#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <vector>

namespace phlox::envs {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> asset_folders() {
  std::vector<fs::path> folders;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path prefix = program.parent_path().parent_path();
    folders.push_back(prefix / "share/phlox/gymnasium-assets");
    for (fs::path folder = prefix;; folder = folder.parent_path()) {
      folders.push_back(folder / "third_party/gymnasium-assets");
      if (folder == folder.root_path() || folder.empty())
        break;
    }
  }
  folders.emplace_back(PHLOX_ASSET_FOLDER);
  return folders;
}

bool is_file(const fs::path &path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

} // namespace

std::string find_model_file(std::string_view name) {
  if (name.starts_with('.') || name.starts_with('/')) {
    if (!is_file(fs::path(name)))
      throw std::runtime_error(
          fmt::format("model file must exist: got '{}'", name));
    return std::string(name);
  }
  for (const fs::path &folder : asset_folders())
    if (!name.empty() && is_file(folder / name))
      return (folder / name).string();
  throw std::runtime_error(fmt::format(
      "model file must be a path or one of Gymnasium's models, which "
      "cmake/fetch_assets.sh puts into third_party/: got '{}', not in {}",
      name, PHLOX_ASSET_FOLDER));
}

} // namespace phlox::envs
