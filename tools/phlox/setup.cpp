#include "tools/phlox/setup.h"
#include "envs/plugin.h"
#include "phlox/runtime.h"
#include "rl/json.h"
#include "rl/toml.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/program.h"
#include "runtime/file.h"
#include "tools/phlox/presets.h"
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/ranges.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

namespace phlox::tools {
namespace {

// the algorithms' words for types, in the trainer's
std::string type_name(const std::string &type) {
  static const std::map<std::string, std::string> names = {
      {"real", "float"}, {"real?", "float"},   {"integer", "int"},
      {"flag", "bool"},  {"choice", "string"}, {"sizes", "int[]"}};
  return names.at(type);
}

nlohmann::ordered_json find_algorithm(const std::string &name) {
  std::vector<std::string> known;
  for (const auto &row : compiler_library().algorithms()) {
    if (row["name"] == name)
      return row;
    known.push_back(row["name"]);
  }
  throw CLI::ValidationError(fmt::format(
      "algorithm must be one of {}: got '{}'", fmt::join(known, ", "), name));
}

const envs::Entry &find_task(const std::string &id) {
  try {
    return envs::find_environment(id);
  } catch (const std::invalid_argument &error) {
    throw CLI::ValidationError(error.what());
  }
}

void require_names(const Words &words) {
  if (words.algorithm.empty() || words.env.empty())
    throw CLI::ValidationError(
        fmt::format("ALGO and --env are required: got '{}' and '{}'",
                    words.algorithm, words.env));
  find_task(words.env);
}

rl::Config resolve(const Words &words, const rl::Schema &keys,
                   const nlohmann::json &as_published) {
  rl::Config config(keys);
  try {
    for (const auto &name :
         {words.algorithm, words.algorithm + "/" + words.env})
      config.preset(preset(name), "preset " + name);
    if (words.as_published) {
      std::string toml;
      for (const auto &[key, value] : as_published.items())
        toml += fmt::format("{} = {}\n", key, value.dump());
      config.published(toml);
    }
    for (const auto &file : words.files)
      config.file(file);
    for (const auto &setting : words.settings)
      config.set(setting);
    config.flag("algorithm", words.algorithm, "ALGO");
    config.flag("env.id", words.env, "--env");
    // who says how many steps means them, however long they take
    const std::string steps = "checkpoint.every",
                      seconds = "checkpoint.min_interval";
    if (keys.find(steps) && config.origin(steps) != "default" &&
        config.origin(steps) != "preset" && config.origin(seconds) == "default")
      config.flag(seconds, "0", steps);
  } catch (const rl::UsageError &error) {
    throw CLI::ValidationError(error.what());
  }
  return config;
}

// the user's, or, where there is none that can be written, one beside the
// system's temporary files: there others must have no way to add code
std::filesystem::path cache_folder() {
  std::filesystem::path folder;
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    folder = std::filesystem::path(cache) / "phlox";
  else if (const char *home = std::getenv("HOME"); home && *home)
    folder = std::filesystem::path(home) / ".cache" / "phlox";
  std::error_code error;
  if (!folder.empty() &&
      (std::filesystem::create_directories(folder, error), !error) &&
      access(folder.c_str(), W_OK) == 0)
    return folder;
  folder = std::filesystem::temp_directory_path() /
           fmt::format("phlox-cache-{}", geteuid());
  struct stat about{};
  if ((mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) ||
      lstat(folder.c_str(), &about) != 0)
    throw std::runtime_error(fmt::format(
        "{}: cannot create folder: {}", folder.string(), std::strerror(errno)));
  if (!S_ISDIR(about.st_mode) || about.st_uid != geteuid() ||
      (about.st_mode & 077) != 0)
    throw std::runtime_error(fmt::format(
        "{}: must be a folder of this user's that others cannot enter: got "
        "another; XDG_CACHE_HOME names a better one",
        folder.string()));
  return folder;
}

} // namespace

void add_program_options(CLI::App &verb, Words &words) {
  verb.add_option("ALGO", words.algorithm,
                  "An algorithm that phlox algorithms lists, or a plug-in's");
  verb.add_option("--env", words.env,
                  "An environment that phlox envs lists, or PATH.so:ID")
      ->transform([](const std::string &env) {
        // a run may go on from another folder
        const auto [path, id] = envs::split_plugin_id(env);
        return path.empty()
                   ? env
                   : fmt::format("{}:{}",
                                 std::filesystem::absolute(path).string(), id);
      });
  add_plugin_option(verb, words.plugins);
  verb.add_option("--config", words.files,
                  "A TOML file; several, later ones win")
      ->take_all()
      ->expected(1);
  verb.add_option("--set", words.settings, "KEY=VALUE, wins over files")
      ->take_all()
      ->expected(1);
  verb.add_flag("--as-published", words.as_published,
                "Use the published code's choices where it differs from the "
                "mathematics");
  verb.add_option("--target", words.target,
                  "Instruction sets: native, x86-64-v3, x86-64-v4 or several "
                  "with commas; the best the processor has runs [native]");
  verb.add_option("--precision", words.precision,
                  "Of matrix products: f32, high (two bf16 per f32 by AMX, "
                  "else f32), or bf16, by AMX or AVX512-BF16 [high]");
}

void add_rewrite_option(CLI::App &verb, Words &words) {
  verb.add_option("--without", words.without,
                  "Rewrites of the compiler to leave out, by their names")
      ->delimiter(',')
      ->take_all();
}

rl::Schema algorithm_keys(const std::string &algorithm) {
  rl::Schema schema;
  const auto found = find_algorithm(algorithm);
  for (const auto &row : found["keys"]) {
    rl::KeySpec spec;
    spec.key = row["key"];
    spec.type = type_name(row["type"]);
    spec.fallback = row["default"];
    spec.doc = row["doc"];
    if (row.contains("choices"))
      spec.doc += fmt::format(
          " ({})",
          fmt::join(row["choices"].get<std::vector<std::string>>(), ", "));
    if (row.contains("least"))
      spec.least = row["least"];
    if (row.contains("most"))
      spec.most = row["most"];
    schema.add(std::move(spec));
  }
  return schema;
}

rl::Schema joined_keys(bool rollouts, const rl::Schema &own) {
  rl::Schema schema = rl::trainer_schema(rollouts);
  for (const auto &key : own.keys())
    if (!schema.find(key.key))
      schema.add(key);
  return schema;
}

rl::Schema all_keys(const phlox_executable *artifact) {
  return joined_keys(
      rl::learns_from_rollouts(*phlox_executable_table_of(artifact)),
      artifact_keys(artifact));
}

nlohmann::json options_of(const phlox_executable *executable) {
  const auto *table = phlox_executable_table_of(executable);
  auto options = nlohmann::json::parse(table->options, nullptr, false);
  if (!options.is_object() || !options.contains("algorithm") ||
      !options["algorithm"].is_string() || !options.contains("config") ||
      !options["config"].is_object())
    throw std::runtime_error(
        fmt::format("the artifact must say which algorithm and configuration "
                    "it holds: got program '{}', which says neither",
                    table->program));
  return options;
}

rl::Schema artifact_keys(const phlox_executable *executable) {
  rl::Schema schema;
  const auto options = options_of(executable);
  for (const auto &[key, value] : options["config"].items()) {
    rl::KeySpec spec;
    spec.key = key;
    spec.type = "any";
    spec.fallback = value;
    schema.add(std::move(spec));
  }
  return schema;
}

rl::Config resolve(const Words &words) {
  require_names(words);
  load_plugins(words.plugins);
  const auto row = find_algorithm(words.algorithm);
  return resolve(words,
                 joined_keys(row["experience"] == "rollouts",
                             algorithm_keys(words.algorithm)),
                 row["as_published"]);
}

rl::Config resolve(const Words &words, const phlox_executable *artifact) {
  require_names(words);
  return resolve(words, all_keys(artifact),
                 options_of(artifact).value("as_published", nlohmann::json()));
}
envs::Kwargs env_kwargs(const rl::Config &config) {
  auto kwargs = envs::Kwargs::object();
  for (const auto &[key, value] : config.values())
    if (key.starts_with("env.") && key != "env.id")
      kwargs[key.substr(4)] = value;
  return kwargs;
}

std::pair<int, int> task_sizes(const Words &words, const rl::Config &config) {
  try {
    const auto env = envs::make_environment(words.env, env_kwargs(config));
    return {env->spec().obs_size, env->spec().action_size};
  } catch (const std::invalid_argument &error) {
    throw CLI::ValidationError(error.what());
  }
}

Origin origin_of_config(const std::string &path) {
  try {
    const auto table = rl::parse_toml(rl::read_text(path));
    return {table["algorithm"].value_or(std::string()),
            table["env"]["id"].value_or(std::string())};
  } catch (const toml::parse_error &error) {
    throw std::runtime_error(fmt::format("{}:{}: must be TOML: got: {}", path,
                                         error.source().begin.line,
                                         error.description()));
  }
}

void take_names_from_files(Words &words) {
  Origin found;
  for (const auto &file : words.files)
    try {
      const Origin named = origin_of_config(file);
      if (!named.algorithm.empty())
        found.algorithm = named.algorithm;
      if (!named.env.empty())
        found.env = named.env;
    } catch (const std::exception &) { // who reads the settings says it
    }
  if (words.algorithm.empty())
    words.algorithm = found.algorithm;
  if (words.env.empty())
    words.env = found.env;
}

CompileRequest compile_request(const Words &words, const rl::Config &config) {
  CompileRequest request;
  request.algorithm = words.algorithm;
  request.env = words.env;
  std::tie(request.obs_size, request.action_size) = task_sizes(words, config);
  request.config = config.part(algorithm_keys(words.algorithm));
  // what is unset stays with the algorithm
  std::erase_if(request.config.get_ref<nlohmann::json::object_t &>(),
                [](const auto &row) { return row.second.is_null(); });
  const std::set<int> sizes = {1, config.at("num_envs").get<int>(),
                               config.at("eval.num_envs").get<int>()};
  request.acting.assign(sizes.begin(), sizes.end());
  if (!words.target.empty())
    request.target = words.target;
  if (!words.precision.empty())
    request.precision = words.precision;
  request.explicit_noise = words.explicit_noise;
  request.dump_ir = words.dump_ir;
  request.without = words.without;
  return request;
}

std::string precision_of_run(const std::filesystem::path &run) {
  const auto path = run / "manifest.json";
  if (!std::filesystem::exists(path))
    return {};
  const auto manifest = rl::parse_json(rl::read_text(path));
  const bool says = manifest.is_object() && manifest.contains("precision") &&
                    manifest["precision"].is_string();
  return says ? manifest["precision"].get<std::string>() : std::string();
}

std::pair<std::string, double> cached_artifact(const CompileRequest &request) {
  const auto start = std::chrono::steady_clock::now();
  std::string hash;
  const auto &library = compiler_library();
  try {
    hash = library.hash(request);
  } catch (const std::invalid_argument &error) {
    throw CLI::ValidationError(error.what());
  }
  const auto folder = cache_folder();
  const auto path = folder / (hash + ".so");
  // trainings that start together compile once
  const runtime::Descriptor lock(open((folder / (hash + ".lock")).c_str(),
                                      O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (lock.get() >= 0)
    flock(lock.get(), LOCK_EX);
  if (std::filesystem::exists(path)) {
    // an entry that is damaged, or not what its name says, is made anew
    phlox_executable *known = nullptr;
    phlox_status *status = phlox_executable_load(path.c_str(), &known);
    const Executable entry(known);
    if (!status && phlox_executable_table_of(known)->hash == hash)
      return {path.string(), 0};
    phlox_status_free(status);
  }
  library.compile(request, path.string(), false);
  const std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  return {path.string(), spent.count()};
}

Executable load_executable(const std::string &path) {
  phlox_executable *executable = nullptr;
  rl::check(phlox_executable_load(path.c_str(), &executable));
  return Executable(executable);
}

const phlox_variant &chosen_variant(const phlox_executable_table &table) {
  for (std::uint32_t i = 0; i + 1 < table.variant_count; i++)
    if ((table.variants[i].isa & ~phlox_isa_available()) == 0)
      return table.variants[i];
  return table.variants[table.variant_count - 1];
}

} // namespace phlox::tools
