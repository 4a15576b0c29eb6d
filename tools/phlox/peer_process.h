// A peer's script that stays and answers line by line.
#pragma once
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/types.h>
#include <vector>

namespace phlox::tools {

/// Runs a script of bench/peers and talks to it in lines: text to it, a JSON
/// object back.
class PeerProcess {
public:
  /// Starts the script.
  ///
  /// Errors:  std::runtime_error if the Python cannot be run.
  PeerProcess(const std::string &python, const std::string &script,
              const std::vector<std::string> &arguments);
  ~PeerProcess();
  PeerProcess(const PeerProcess &) = delete;
  PeerProcess &operator=(const PeerProcess &) = delete;

  /// Waits for the next JSON object; lines before it that are none are kept
  /// for the error.
  ///
  /// Errors:  std::runtime_error with the last line that the script said.
  nlohmann::json read();
  /// Sends one line; one that nobody reads shows at the next read().
  void write(const std::string &line);

private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };

  std::unique_ptr<std::FILE, Close> to_, from_;
  pid_t child_ = -1;
};

} // namespace phlox::tools
