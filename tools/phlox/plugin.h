// Plug-ins that algorithms come from: the option --plugin, and what run folders
// say of them.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace phlox::tools {

/// One plug-in and what is in it; an empty path stands for none.
struct Plugin {
  std::string path, sha256;
};

/// Which plug-ins are to be known.
struct PluginWords {
  std::vector<std::string> paths; // as named by --plugin
  Plugin trained_with;            // by the run at hand
};

/// Adds --plugin.
void add_plugin_option(CLI::App &verb, PluginWords &words);

/// Makes the algorithms of plug-ins known to the compiler: of those named, else
/// of the one that the run was trained with.
///
/// Errors:  std::runtime_error: as check_plugins; a file that is no plug-in of
///          this Phlox, or whose algorithms' names are taken.
void load_plugins(const PluginWords &words);

/// Throws if a run was trained with a plug-in and what is named, or else the
/// file where it was, is not that one.
void check_plugins(const PluginWords &words);

/// Returns the plug-in that an algorithm known to the compiler came from.
Plugin plugin_of(const std::string &algorithm);

/// Returns the plug-in that the manifest of a run names.
Plugin plugin_of_run(const std::filesystem::path &run);

/// Makes the manifest's row.
nlohmann::json describe(const Plugin &plugin);

} // namespace phlox::tools
