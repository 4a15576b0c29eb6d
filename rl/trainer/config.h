// The resolved configuration of a run: each key's value and where it came from.
#pragma once
#include "rl/trainer/schema.h"
#include "rl/trainer/trainer_config.h"
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace phlox::rl {

/// Values by key. Later levels win whatever the order of the calls; within one
/// level the later call wins: default < preset < checkpoint <
/// --as-published < file < --set < flag.
///
/// Errors:  all that take values throw UsageError naming file and line or the
///          option: unknown key (with a hint), wrong type, out of range, not
///          TOML, key given twice in one file.
class Config {
public:
  explicit Config(Schema schema) : schema_(std::move(schema)) {}

  /// Takes a preset, TOML text.
  void preset(std::string_view toml, const std::string &name);
  /// Takes the configuration of the run that is resumed, TOML text.
  void checkpoint(std::string_view toml, const std::string &name);
  /// Takes what --as-published sets, TOML text.
  void published(std::string_view toml);
  /// Takes a file given with --config.
  void file(const std::string &path);
  /// Takes KEY=VALUE given with --set; a value that is not TOML is a string.
  void set(std::string_view assignment);
  /// Takes the text of an option of its own, such as --seed.
  void flag(std::string_view key, std::string_view value,
            const std::string &option);
  /// Fixes what an artifact was compiled with.
  ///
  /// Errors:  UsageError if a file, --set or a flag asked for another value.
  void artifact(const nlohmann::json &values);

  /// Returns a value; null if it is unset.
  const nlohmann::json &at(std::string_view key) const;
  /// Returns the level's name, file name or option.
  std::string origin(std::string_view key) const;
  /// Returns every key that has a value, in the schema's order.
  std::vector<std::pair<std::string, nlohmann::json>> values() const;
  /// Returns the values of all keys that `other` has rows for (the algorithm's
  /// part of the configuration, for the compiler) as a flat object.
  nlohmann::json part(const Schema &other) const;

  /// Returns TOML, a line per key with its origin as a comment; reading it
  /// gives the same configuration.
  std::string toml() const;
  /// Returns TOML, a line per key of the schema, and per key below one such as
  /// "env.*", with type, range and meaning as a comment; a key without a value
  /// is a comment itself.
  std::string explanation() const;
  /// Returns the SHA-256 of what influences results, hexadecimal.
  std::string hash() const;
  const Schema &schema() const { return schema_; }

private:
  enum class Level {
    fallback,
    preset,
    checkpoint,
    published,
    file,
    set,
    flag,
    artifact
  };
  struct Value {
    nlohmann::json value;
    Level level = Level::fallback;
    std::string origin;
  };
  void put(const std::string &key, const nlohmann::json &value, Level level,
           const std::string &origin, const std::string &where);
  void text(std::string_view toml, Level level, const std::string &name,
            const std::string &origin);
  void assign(const std::string &key, std::string_view value, Level level,
              const std::string &origin);

  Schema schema_;
  std::map<std::string, Value, std::less<>> values_;
};

/// One key that two configurations do not share.
struct Difference {
  std::string key;
  nlohmann::json before, after;
  bool free = false; // may change when a run is resumed
};

/// Returns what changed, in the order of the keys.
std::vector<Difference> differences(const Config &before, const Config &after);

/// Returns the trainer's part.
TrainerConfig trainer_config(const Config &config);

} // namespace phlox::rl
