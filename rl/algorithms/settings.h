// What an algorithm can be told: keys with types, limits, defaults and one
// line each, listed and read by the same code.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace phlox::rl {

/// A configuration that does not fit its schema.
class SettingsError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Visits the keys of a configuration; each member handles one type.
class Settings {
public:
  using Choices = std::vector<std::string_view>;
  virtual ~Settings() = default;

  virtual void real(std::string_view key, double &value, double least,
                    double most, std::string_view doc) = 0;
  /// A number, or nothing: the algorithm then chooses.
  virtual void optional_real(std::string_view key, std::optional<double> &value,
                             double least, double most,
                             std::string_view doc) = 0;
  virtual void integer(std::string_view key, int64_t &value, int64_t least,
                       int64_t most, std::string_view doc) = 0;
  virtual void flag(std::string_view key, bool &value,
                    std::string_view doc) = 0;
  virtual void choice(std::string_view key, std::string &value, Choices choices,
                      std::string_view doc) = 0;
  /// A list of sizes, each 1 or more.
  virtual void sizes(std::string_view key, std::vector<int64_t> &value,
                     std::string_view doc) = 0;
};

/// Lists keys as JSON objects {key, type, default, doc}, with "least" and
/// "most" or "choices" where they apply; types are "real", "real?", "integer",
/// "flag", "choice" and "sizes".
class SchemaWriter : public Settings {
public:
  void real(std::string_view key, double &value, double least, double most,
            std::string_view doc) override;
  void optional_real(std::string_view key, std::optional<double> &value,
                     double least, double most, std::string_view doc) override;
  void integer(std::string_view key, int64_t &value, int64_t least,
               int64_t most, std::string_view doc) override;
  void flag(std::string_view key, bool &value, std::string_view doc) override;
  void choice(std::string_view key, std::string &value, Choices choices,
              std::string_view doc) override;
  void sizes(std::string_view key, std::vector<int64_t> &value,
             std::string_view doc) override;

  nlohmann::ordered_json schema = nlohmann::ordered_json::array();

private:
  nlohmann::ordered_json &add(std::string_view key, std::string_view type,
                              nlohmann::ordered_json value,
                              std::string_view doc);
};

/// Reads keys from a JSON object; nested objects count as dotted keys. Integers
/// may be written as reals (1e6) when exact.
///
/// Errors: SettingsError naming the key, what is allowed and what was got.
class SettingsReader : public Settings {
public:
  explicit SettingsReader(const nlohmann::json &config);
  void real(std::string_view key, double &value, double least, double most,
            std::string_view doc) override;
  void optional_real(std::string_view key, std::optional<double> &value,
                     double least, double most, std::string_view doc) override;
  void integer(std::string_view key, int64_t &value, int64_t least,
               int64_t most, std::string_view doc) override;
  void flag(std::string_view key, bool &value, std::string_view doc) override;
  void choice(std::string_view key, std::string &value, Choices choices,
              std::string_view doc) override;
  void sizes(std::string_view key, std::vector<int64_t> &value,
             std::string_view doc) override;
  /// Throws if a key was given that nobody asked for.
  void finish() const;

private:
  const nlohmann::json *find(std::string_view key);
  nlohmann::json flat;
  std::set<std::string, std::less<>> known;
};

/// Checks the rows of a schema that SchemaWriter need not have written, and
/// values for its keys.
///
/// Errors: SettingsError naming the key, if a row lacks a part, its text
///         included, or comes twice, or if its default or a value does not fit.
void check_schema(const nlohmann::ordered_json &schema,
                  const nlohmann::json &values);

/// Returns a configuration with the keys of `json` set.
template <class Config> Config read_settings(const nlohmann::json &json) {
  Config config;
  SettingsReader reader(json);
  config.visit(reader);
  reader.finish();
  return config;
}

/// Lists a configuration's keys.
template <class Config> nlohmann::ordered_json schema_of() {
  Config config;
  SchemaWriter writer;
  config.visit(writer);
  return writer.schema;
}

} // namespace phlox::rl
