// phlox bench: entry points compiled, op by op, and as other programs run them;
// environments beside theirs.
#include "tools/phlox/bench_envs.h"
#include "tools/phlox/bench_rows.h"
#include "tools/phlox/bench_train.h"
#include "tools/phlox/output.h"
#include "tools/phlox/verbs.h"
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <fstream>
#include <set>
#include <thread>
#include <unistd.h>

namespace phlox::tools {
namespace {

struct Peer {
  std::string script;
  std::vector<std::string> arguments;
};

struct Work {
  std::string name, algorithm;
  std::vector<std::string> settings; // beyond the defaults
  // entry points that are timed, with their peers
  std::vector<std::pair<std::string, std::vector<Peer>>> entries;
};

// what --env and --set leave open is as here, at the peers too
std::vector<Work> works() {
  const std::string sac = "jax_sac.py", flame = "jax_flame.py",
                    torch = "torch_flame.py", policy = "policy.py";
  const std::vector<std::string> as_peers = {"solver=euler", "nfe=1",
                                             "embedding=sin1"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), as_peers.begin(), as_peers.end());
    return more;
  };
  auto by = [&](const char *framework) {
    return Peer{policy, {"--framework", framework}};
  };
  return {
      {"sac", "sac", {}, {{"train_step", {{sac, {}}}}, {"sample_1", {}}}},
      {"flame-r", "flame-r", {}, {{"train_step", {}}, {"sample_1", {}}}},
      // as the peers have it: one Euler step to act, two for the entropy,
      // one action in the target, and everything at every update
      {"bench.flame-peer",
       "flame-r",
       with({"entropy.steps=2", "actor.every=1", "alpha.every=1",
             "target_particles=1", "particles=32"}),
       {{"train_step",
         {{flame, {"--variant", "ref", "--particles", "1"}},
          {flame, {"--variant", "tuned", "--particles", "1"}},
          {flame, {"--variant", "tuned", "--particles", "1", "--cheap-mish"}},
          {torch, {}},
          {torch, {"--compile"}}}},
        {"sample_1",
         {{flame,
           {"--variant", "tuned", "--mode", "sample", "--batch", "1"}}}}}},
      // the network alone, at the policy's one step
      {"bench.policy",
       "flame-r",
       with({"particles=1", "noise_scale=0"}),
       {{"evaluate_1",
         {by("onnxruntime"), by("torch"), by("torch-compile"), by("jax")}}}},
      {"flame-m", "flame-m", {}, {{"train_step", {}}, {"sample_1", {}}}}};
}
constexpr int gemm_size = 256;
const std::string train_name = "train", gemm_name = "gemm", envs_name = "envs",
                  algorithms_name = "algorithms", usual_env = "HalfCheetah-v5";
// what the peers' scripts take as options, beside the sizes of the task
const std::set<std::string> followed = {"batch", "proposals", "actor.hidden",
                                        "critic.hidden"};

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const auto &row : compiler_library().algorithms())
    names.push_back(row["name"]);
  return names;
}

// the whole update at every step, so that its share of the peak is known
Work whole_step(const std::string &algorithm) {
  const rl::Schema keys = algorithm_keys(algorithm);
  Work work{algorithm, algorithm, {}, {{"train_step", {}}}};
  for (const char *key : {"actor.every", "alpha.every"})
    if (keys.find(key))
      work.settings.push_back(std::string(key) + "=1");
  return work;
}

struct Arguments {
  std::string name, python = "python3", peers = PHLOX_PEERS;
  std::vector<int> threads;
  std::string profile; // file of a Chrome trace, or empty
  Words words;
  bool json = false, no_peers = false;
  double seconds = 1;
};

// a work with the user's environment and settings
struct Chosen {
  Work work;
  rl::Config config;
  CompileRequest request;
};

// a file that goes away with the scope, and its header
struct TemporaryArtifact {
  std::string path = (std::filesystem::temp_directory_path() /
                      fmt::format("phlox-bench-{}.so", getpid()))
                         .string();
  ~TemporaryArtifact() {
    std::error_code error;
    std::filesystem::remove(path, error);
    std::filesystem::remove(std::filesystem::path(path).replace_extension("h"),
                            error);
  }
};

class Bench {
public:
  explicit Bench(const Arguments &arguments) : a(arguments) {}

  void run() {
    load_plugins(a.words.plugins);
    choose();
    if (!a.profile.empty()) {
      demand_place("--profile", a.profile);
      return profile();
    }
    if (!a.json && a.name != envs_name)
      fmt::print("{:<27} {:<17} {:<9} {:>7} {:>11} {:>11} {:>11} {:>7} {:>6}\n",
                 "work", "peer", "mode", "threads", "median µs", "min µs",
                 "max µs", "ratio", "peak %");
    if (wanted_apart(gemm_name))
      gemm();
    for (const auto &one : chosen)
      measure(one);
    if (wanted_apart(train_name))
      train();
    if (wanted_apart(envs_name))
      step_envs();
    if (a.json)
      fmt::print("{}\n", rows.dump(1));
  }

private:
  // what is compiled: listed work, all algorithms' steps, or one algorithm
  void choose() {
    std::vector<std::string> known = {gemm_name};
    for (const auto &work : works()) {
      known.push_back(work.name);
      if (wanted(work.name))
        take(work);
    }
    known.insert(known.end(), {train_name, envs_name, algorithms_name});
    auto is_known = [&](const std::string &name) {
      return std::find(known.begin(), known.end(), name) != known.end();
    };
    if (a.name.empty() || (is_known(a.name) && a.name != algorithms_name))
      return;
    for (const auto &name : algorithm_names()) {
      if (a.name == algorithms_name)
        take(whole_step(name));
      else if (a.name == name)
        take({name, name, {}, {{"train_step", {}}, {"sample_1", {}}}});
      if (!is_known(name))
        known.push_back(name);
    }
    if (chosen.empty())
      throw CLI::ValidationError(fmt::format("NAME must be one of {}: got '{}'",
                                             fmt::join(known, ", "), a.name));
  }

  // all before the first row: a wrong key costs no time
  void take(const Work &work) {
    const auto words = words_of(work, a.words.env, a.words.settings);
    const auto config = resolve(words);
    chosen.push_back({work, config, compile_request(words, config)});
  }

  std::string precision() const {
    return a.words.precision.empty() ? "high" : a.words.precision;
  }

  bool wanted(const std::string &name) const {
    return a.name.empty() || a.name == name;
  }
  // of work that follows neither --env nor --set
  bool wanted_apart(const std::string &name) const {
    const bool as_usual = a.words.env == usual_env && a.words.settings.empty();
    return a.name == name || (a.name.empty() && as_usual);
  }

  template <class Row> void add(const Row &row) {
    rows.push_back(row.json());
    if (!a.json) {
      fmt::print("{}\n", row.text());
      std::fflush(stdout);
    }
  }

  // environments and updates together, as a user trains
  void train() {
    for (int threads : a.threads) {
      const auto row = measure_training(threads, a.seconds, precision());
      add(row);
      if (!a.no_peers)
        for (const char *framework : {"sb3", "sbx"})
          measure({"train_sac.py", {"--framework", framework}}, {}, row);
    }
  }

  void step_envs() {
    const EnvsBench bench{a.python, a.peers, a.no_peers,
                          *std::max_element(a.threads.begin(), a.threads.end()),
                          a.seconds};
    if (!a.json)
      fmt::print("{}\n", EnvsRow::header());
    bench_envs(bench, [&](const EnvsRow &row) { add(row); });
  }

  // kernel by kernel instead of call by call
  void profile() {
    nlohmann::ordered_json events = nlohmann::ordered_json::array();
    for (const auto &one : chosen)
      profile(one, events);
    const nlohmann::ordered_json trace = {{"traceEvents", events},
                                          {"displayTimeUnit", "ns"}};
    std::ofstream file(a.profile, std::ios::binary);
    file << trace.dump();
    if (!file.flush())
      throw std::runtime_error(
          fmt::format("{}: the trace cannot be written", a.profile));
    if (a.json)
      fmt::print("{}\n", rows.dump(1));
    else
      fmt::print("\n{}: a trace for chrome://tracing or ui.perfetto.dev\n",
                 a.profile);
  }

  void profile(const Chosen &one, nlohmann::ordered_json &events) {
    auto request = one.request;
    request.records = true;
    const BenchProgram program(cached_artifact(request).first);
    for (const auto &[entry, peers] : one.work.entries)
      for (int threads : a.threads)
        rows.push_back(program.profile(
            one.work.name + "/" + entry, entry, threads, a.seconds,
            period_of(entry, one.config), a.json, events));
  }

  Words words_of(const Work &work, const std::string &env,
                 const std::vector<std::string> &settings) const {
    Words words = a.words;
    words.algorithm = work.algorithm;
    words.env = env;
    words.settings = work.settings;
    words.settings.insert(words.settings.end(), settings.begin(),
                          settings.end());
    return words;
  }
  // a step that updates the actor now and then is timed over all of it
  static int period_of(const std::string &entry, const rl::Config &config) {
    return entry == "train_step" && config.schema().find("actor.every")
               ? config.at("actor.every").get<int>()
               : 1;
  }

  // one product alone, as eager mode dispatches it
  void gemm() {
    const TemporaryArtifact file;
    compiler_library().matmul(gemm_size, precision(), file.path);
    const BenchProgram program(file.path);
    for (int threads : a.threads) {
      const std::string work = fmt::format("{}/{}", gemm_name, gemm_size);
      const auto compiled =
          program.measure(work, "matmul", "compiled", threads, a.seconds);
      auto eager = program.measure(work, "matmul", "eager", threads, a.seconds);
      eager.ratio = eager.median_us / compiled.median_us;
      add(compiled);
      add(eager);
    }
  }

  void measure(const Chosen &one) {
    const auto &[work, config, request] = one;
    compile_row_ = compile_anew(work.name, request);
    add(compile_row_);
    const BenchProgram program(cached_artifact(request).first);
    const bool with_peers = !a.no_peers && peers_follow(one);
    for (const auto &[entry, peers] : work.entries)
      for (int threads : a.threads) {
        const std::string name = work.name + "/" + entry;
        const int period = period_of(entry, config);
        const auto compiled = program.measure(name, entry, "compiled", threads,
                                              a.seconds, period);
        add(compiled);
        auto eager =
            program.measure(name, entry, "eager", threads, a.seconds, period);
        eager.ratio = eager.median_us / compiled.median_us;
        add(eager);
        if (with_peers)
          for (const auto &peer : peers)
            measure(peer, sizes_for_peers(one, entry), compiled);
      }
  }

  // whether the work's peers do what was set; says what they do not
  bool peers_follow(const Chosen &one) const {
    const auto &[work, config, request] = one;
    if (std::ranges::all_of(work.entries, [](const auto &entry) {
          return entry.second.empty();
        }))
      return false;
    std::vector<std::string> unlike;
    if (config.at("actor.hidden") != config.at("critic.hidden"))
      unlike.push_back("critic.hidden other than actor.hidden");
    // the task's own keys change nothing but sizes
    for (const auto &changed :
         rl::differences(resolve(words_of(work, usual_env, {})), config))
      if (!followed.contains(changed.key) && !changed.key.starts_with("env."))
        unlike.push_back(changed.key);
    if (!unlike.empty())
      warn(fmt::format("{}: no row of peers: peers do not follow {}", work.name,
                       fmt::join(unlike, ", ")));
    return unlike.empty();
  }

  static std::vector<std::string> sizes_for_peers(const Chosen &one,
                                                  const std::string &entry) {
    const auto &[work, config, request] = one;
    const auto widths = config.at("actor.hidden").get<std::vector<int>>();
    std::vector<std::string> words = {
        "--obs",    fmt::format("{}", request.obs_size),
        "--act",    fmt::format("{}", request.action_size),
        "--batch",  config.at("batch").dump(),
        "--hidden", fmt::format("{}", fmt::join(widths, ","))};
    if (entry == "train_step" && config.schema().find("proposals")) {
      words.push_back("--proposals");
      words.push_back(config.at("proposals").dump());
    }
    return words;
  }

  // the whole program, with all its entry points, on one thread
  BenchRow compile_anew(const std::string &name,
                        const CompileRequest &request) const {
    const TemporaryArtifact file;
    BenchRow row{.work = name + "/compile", .mode = "compile"};
    const auto start = std::chrono::steady_clock::now();
    try {
      compiler_library().compile(request, file.path, false);
    } catch (const std::invalid_argument &error) {
      throw CLI::ValidationError(error.what());
    }
    const std::chrono::duration<double, std::micro> took =
        std::chrono::steady_clock::now() - start;
    row.median_us = row.min_us = row.max_us = took.count();
    row.precision = BenchProgram(file.path).precision();
    return row;
  }

  // of an option that is given twice a script takes the last
  void measure(const Peer &peer, std::vector<std::string> arguments,
               const BenchRow &compiled) {
    arguments.insert(arguments.end(), peer.arguments.begin(),
                     peer.arguments.end());
    for (const auto &word :
         {std::string("--threads"), fmt::format("{}", compiled.threads),
          std::string("--seconds"), fmt::format("{}", a.seconds)})
      arguments.push_back(word);
    try {
      auto row = run_peer(a.python, a.peers + "/" + peer.script, arguments);
      row.work = compiled.work;
      row.threads = compiled.threads;
      row.ratio = row.median_us / compiled.median_us;
      add(row);
      // the whole program beside a peer's whole update
      if (row.first_us > 0 && compiled.work.ends_with("/train_step")) {
        row.work = compile_row_.work;
        row.mode = "first call";
        row.median_us = row.min_us = row.max_us = row.first_us;
        row.ratio = row.first_us / compile_row_.median_us;
        add(row);
      }
    } catch (const std::exception &error) {
      warn(fmt::format("{}: no row of {} {}: {}", compiled.work, peer.script,
                       fmt::join(peer.arguments, " "), error.what()));
    }
  }

  const Arguments &a;
  std::vector<Chosen> chosen;
  BenchRow compile_row_; // of the work at hand
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
};

} // namespace

void add_bench_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "bench", "Time entry points: compiled, op by op, and peers found here");
  auto a = std::make_shared<Arguments>();
  verb->add_option(
      "NAME", a->name,
      "gemm, sac, flame-r, bench.flame-peer, bench.policy, flame-m, train or "
      "envs [all of these, or, with --env or --set, of algorithms]; "
      "algorithms: the step of each; or one algorithm");
  a->words.env = usual_env;
  const CLI::Option *env =
      verb->add_option("--env", a->words.env,
                       "An environment that phlox envs lists, or PATH.so:ID "
                       "[HalfCheetah-v5]");
  const CLI::Option *set =
      verb->add_option("--set", a->words.settings,
                       "KEY=VALUE of the algorithm, wins over the work's own")
          ->take_all()
          ->expected(1);
  const CLI::Option *precision =
      verb->add_option("--precision", a->words.precision,
                       "Of our own products: f32, high or bf16 [high]")
          ->check(CLI::IsMember({"f32", "high", "bf16"}));
  add_plugin_option(*verb, a->words.plugins);
  verb->add_flag("--json", a->json, "Rows as JSON");
  const CLI::Option *profile =
      verb->add_option("--profile", a->profile,
                       "Time kernel by kernel; a Chrome trace goes to this "
                       "file");
  verb->add_option("--threads", a->threads, "Numbers of threads [1 and 2]")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  verb->add_option("--seconds", a->seconds, "For each row, about [1]")
      ->check([](const std::string &text) {
        double seconds = 0; // CLI::Range lets nan pass
        return CLI::detail::lexical_cast(text, seconds) && seconds >= 0 &&
                       seconds <= 3600
                   ? std::string()
                   : "must be from 0 to 3600: got '" + text + "'";
      });
  verb->add_option("--python", a->python,
                   "A Python that may have JAX and EnvPool [python3]");
  verb->add_option("--peers", a->peers, "Folder of the peers' scripts");
  add_rewrite_option(*verb, a->words);
  verb->add_flag("--no-peers", a->no_peers, "Only our own rows");
  verb->callback([a, env, set, profile, precision] {
    if (*precision && a->name == envs_name)
      throw CLI::ValidationError(
          "--precision must go with products: got 'envs'");
    for (const CLI::Option *option : {env, set, profile})
      if (*option && (a->name == gemm_name || a->name == envs_name ||
                      a->name == train_name))
        throw CLI::ValidationError(
            fmt::format("{} must go with an algorithm's work: got '{}'",
                        option->get_name(), a->name));
    if (a->threads.empty())
      a->threads = std::thread::hardware_concurrency() > 1
                       ? std::vector<int>{1, 2}
                       : std::vector<int>{1};
    Bench(*a).run();
  });
}

} // namespace phlox::tools
