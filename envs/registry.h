// The known tasks, by id.
#pragma once
#include "envs/environment.h"
#include "envs/vector_env.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace phlox::envs {

/// Two ends, each perhaps infinite; low <= high.
struct Range {
  double low, high;

  /// Without the ends; false for a NaN.
  bool inside(double x) const { return low < x && x < high; }
  /// With the ends; false for a NaN.
  bool contains(double x) const { return low <= x && x <= high; }
  /// Returns the nearest number of the range; a NaN stays one.
  double clip(double x) const { return x < low ? low : x > high ? high : x; }
};

/// Describes a task that can be made by its id.
struct Entry {
  std::string id;
  std::string summary; // one line
  Kwargs defaults; // every key that is accepted; a value's type is the key's
  /// Makes the task; its argument has a value of the right type for every key.
  std::function<std::unique_ptr<Environment>(const Kwargs &)> make;
  Kwargs help = Kwargs::object(); // one line for each key
  /// Keys that take values of another type as well: an example of it.
  Kwargs alternatives = Kwargs::object();
};

/// Adds a task, for programs that bring their own.
///
/// Errors:  std::invalid_argument if the id is taken.
/// Threads: not beside any other function of this file.
void register_environment(Entry entry);

/// Returns all entries in the order of registration.
const std::vector<Entry> &environments();

/// Returns the entry of an id; PATH.so:ID is a task of a plug-in (plugin.h).
///
/// Errors:  std::invalid_argument with the nearest known ids; as load_plugin.
const Entry &find_environment(std::string_view id);

/// Returns the defaults of a task overridden by the given keyword arguments.
/// Where the default is a pair of numbers, the key takes a range: an end may be
/// infinite, written "inf" or "-inf" (the numbers of TOML will do).
///
/// Errors:  std::invalid_argument for an unknown key (lists the valid ones) or
///          a value of another type.
Kwargs resolve_kwargs(const Entry &entry, const Kwargs &given);

/// Reads an integer from resolved keyword arguments.
///
/// Errors:  std::invalid_argument if it is outside [1, 2^31).
int positive_int(std::string_view id, const Kwargs &kwargs, const char *key);

/// Reads a range from resolved keyword arguments.
Range range_of(const Kwargs &kwargs, const char *key);

/// Makes one environment.
///
/// Errors:  std::invalid_argument (id, kwargs), std::runtime_error (model).
std::unique_ptr<Environment> make_environment(std::string_view id,
                                              const Kwargs &kwargs);

/// Makes n environments that are stepped together.
///
/// Errors:  as make_environment; std::invalid_argument for n or threads < 1.
VectorEnv make_vector_env(std::string_view id, const Kwargs &kwargs, int n,
                          std::uint64_t seed, std::string_view purpose = "env",
                          int threads = 1);

} // namespace phlox::envs
