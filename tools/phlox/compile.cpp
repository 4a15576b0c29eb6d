// phlox compile: an algorithm for a task becomes an artifact.
#include "rl/trainer/errors.h"
#include "tools/phlox/output.h"
#include "tools/phlox/setup.h"
#include "tools/phlox/verbs.h"
#include <filesystem>
#include <fmt/core.h>

namespace phlox::tools {
namespace {

struct Arguments {
  Words words;
  std::string out;
  bool object = false, strip = false, time_passes = false;
};

void print_times(const std::vector<std::pair<std::string, double>> &phases) {
  double all = 0;
  for (const auto &[name, seconds] : phases)
    all += seconds;
  fmt::print("{:>8} {:>6}  phase\n", "ms", "share");
  for (const auto &[name, seconds] : phases)
    fmt::print("{:>8.1f} {:>5.1f}%  {}\n", 1e3 * seconds, 100 * seconds / all,
               name);
  fmt::print("{:>8.1f} {:>5.1f}%  all\n", 1e3 * all, 100.);
}

void compile(const Arguments &arguments) {
  const std::filesystem::path out = arguments.out;
  if (!out.has_filename() || out.extension() == ".h")
    throw CLI::ValidationError(
        fmt::format("--out must name a file other than its header: got '{}'",
                    arguments.out));
  demand_place("--out", out);
  const auto config = resolve(arguments.words);
  auto request = compile_request(arguments.words, config);
  request.embed_ir = !arguments.strip;
  try {
    const auto phases =
        compiler_library().compile(request, arguments.out, arguments.object);
    if (arguments.time_passes)
      print_times(phases);
  } catch (const std::invalid_argument &error) {
    throw CLI::ValidationError(error.what());
  }
}

} // namespace

void add_compile_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "compile", "Compile an algorithm for a task: OUT.so and OUT.h");
  auto arguments = std::make_shared<Arguments>();
  add_program_options(*verb, arguments->words);
  verb->add_flag("--explicit-noise", arguments->words.explicit_noise,
                 "Make every random tensor an input named after its stream");
  add_rewrite_option(*verb, arguments->words);
  verb->add_option("--dump-ir", arguments->words.dump_ir,
                   "Folder for the program after each phase");
  verb->add_option("-o,--out", arguments->out, "The file to write")->required();
  verb->add_flag("--object", arguments->object,
                 "Write an object for static linking instead");
  verb->add_flag("--strip", arguments->strip,
                 "Leave the program out: no eager and interpret modes");
  verb->add_flag("--time-passes", arguments->time_passes,
                 "Print where the time went");
  verb->callback([arguments] {
    take_names_from_files(arguments->words);
    compile(*arguments);
  });
}

} // namespace phlox::tools
