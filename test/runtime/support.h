// What the tests of the runtime share: a folder that vanishes, statuses as
// values, handles that free themselves.
#pragma once
#include "phlox/runtime.h"
#include "runtime/file.h"
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

extern "C" const phlox_executable_table *phlox_executable_query(uint32_t);

namespace phlox::runtime::test {

/// A folder of its own for each test.
class Folder {
public:
  Folder() {
    std::string text =
        (std::filesystem::temp_directory_path() / "phlox-XXXXXX").string();
    path_ = mkdtemp(text.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string &name) const {
    return path_ + "/" + name;
  }
  std::size_t files() const {
    std::filesystem::directory_iterator begin(path_), end;
    return static_cast<std::size_t>(std::distance(begin, end));
  }

private:
  std::string path_;
};

/// A status as a value, freed.
struct Result {
  phlox_code code = phlox_code(0); // 0: success
  std::string message;
};

inline Result take(phlox_status *status) {
  Result result;
  if (status)
    result = {phlox_status_code(status), phlox_status_message(status)};
  phlox_status_free(status);
  return result;
}

/// Succeeds or fails with the message.
inline void check(phlox_status *status) {
  Result result = take(status);
  ASSERT_EQ(result.code, 0) << result.message;
}

using Executable =
    std::unique_ptr<phlox_executable, decltype(&phlox_executable_free)>;
using Pool = std::unique_ptr<phlox_pool, decltype(&phlox_pool_free)>;
using State = std::unique_ptr<phlox_state, decltype(&phlox_state_free)>;
using Entry = std::unique_ptr<phlox_entry, decltype(&phlox_entry_free)>;

inline Executable wrap() {
  phlox_executable *out = nullptr;
  check(phlox_executable_wrap(phlox_executable_query, &out));
  return {out, phlox_executable_free};
}

inline Pool make_pool(int threads) {
  phlox_pool *out = nullptr;
  check(phlox_pool_create(threads, &out));
  return {out, phlox_pool_free};
}

inline State make_state(const Executable &executable) {
  phlox_state *out = nullptr;
  check(phlox_state_create(executable.get(), &out));
  return {out, phlox_state_free};
}

inline Entry make_entry(const Executable &executable, const char *name,
                        phlox_pool *pool = nullptr) {
  phlox_entry *out = nullptr;
  check(phlox_entry_create(executable.get(), name, pool, &out));
  return {out, phlox_entry_free};
}

template <class T> phlox_buffer buffer(std::vector<T> &values) {
  return {values.data(), values.size() * sizeof(T)};
}

inline std::span<const std::byte> bytes_of(const std::string &text) {
  return std::as_bytes(std::span(text));
}

/// Returns the message of the std::runtime_error that the code throws.
inline std::string message_of(const std::function<void()> &code) {
  try {
    code();
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "no error";
}

} // namespace phlox::runtime::test
