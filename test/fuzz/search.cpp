#include "test/fuzz/search.h"
#include "test/fuzz/isolated.h"
#include "test/fuzz/shrink.h"
#include "llvm/ADT/StringExtras.h"
#include <chrono>
#include <fmt/core.h>
#include <map>
#include <sstream>

namespace phlox::fuzz {

namespace {

constexpr int64_t kBatch = 100;          // programs of one process
constexpr unsigned kBatchSeconds = 1200; // a machine may be busy
constexpr unsigned kProgramSeconds = 60;

// names of the results that a line speaks of: all up to ": "
std::vector<std::string> namesIn(const std::vector<std::string> &lines) {
  std::vector<std::string> names;
  for (const std::string &line : lines)
    names.push_back(line.substr(0, line.find(": ")));
  return names;
}

// whether a product is large enough to be of less than f32
bool hasLargeProduct(mlir::ModuleOp program) {
  return program
      .walk([](MatmulOp op) {
        auto shape = shapeOf(op.getResult());
        bool isLarge = std::min({shape[shape.size() - 2], shape.back(),
                                 shapeOf(op.getLhs()).back()}) >= 16;
        return isLarge ? mlir::WalkResult::interrupt()
                       : mlir::WalkResult::advance();
      })
      .wasInterrupted();
}

std::vector<std::string> compare(mlir::ModuleOp program, Setting setting,
                                 Tally &tally) {
  if (!hasLargeProduct(program))
    setting.precision = "f32";
  tally.reduced += setting.precision != "f32";
  return differences(program, makeReference(program, setting.precision),
                     setting, tally);
}

// empty: nothing is wrong
std::string problemOf(const Recipe &recipe, const Setting &setting) {
  Outcome outcome = isolated(
      [&](const Send &send) {
        Program program = makeProgram(recipe);
        Tally tally;
        for (const std::string &line :
             compare(program.module(), setting, tally))
          send(line + "\n");
      },
      kProgramSeconds);
  return outcome.text + outcome.problem;
}

// the shrunk program, without results that are as they should be
std::string textOf(const Recipe &recipe, const Setting &setting) {
  Outcome outcome = isolated(
      [&](const Send &send) {
        Program program = makeProgram(recipe);
        mlir::ModuleOp module = program.module();
        auto print = [](mlir::ModuleOp module) {
          std::string text;
          llvm::raw_string_ostream(text) << module;
          return text;
        };
        std::string whole = print(module);
        Tally tally;
        auto lines = compare(module, setting, tally);
        if (!lines.empty()) {
          auto fewer = withResults(module, namesIn(lines));
          if (!compare(*fewer, setting, tally).empty())
            whole = print(*fewer);
        }
        send(whole);
      },
      kProgramSeconds);
  if (!outcome.problem.empty()) // it crashes: as it is
    outcome = isolated(
        [&](const Send &send) {
          Program program = makeProgram(recipe);
          std::string text;
          llvm::raw_string_ostream(text) << program.module();
          send(text);
        },
        kProgramSeconds);
  return outcome.text + "\n";
}

Failure shrunk(const Search &what, uint64_t seed, const Setting &setting,
               const std::string &problem) {
  // decisions as they were read: halved, they ask for less
  Recipe recipe = drawRecipe(seed);
  try {
    Recipe used;
    makeProgram(recipe, &used);
    recipe = used;
  } catch (const std::exception &) { // that is what goes wrong
  }
  Recipe small = shrink(
      recipe, [&](const Recipe &r) { return !problemOf(r, setting).empty(); },
      what.attempts);
  Failure failure{seed, setting, problem, ""};
  std::istringstream lines(problemOf(small, setting));
  failure.text = fmt::format("// phlox-fuzz --seed {} --programs 1: {}\n", seed,
                             fuzz::textOf(setting));
  for (std::string line; std::getline(lines, line);)
    failure.text += "// " + line + "\n";
  failure.text += textOf(small, setting);
  return failure;
}

Setting settingOf(const Search &what, uint64_t seed) {
  return drawSetting(seed, what.targets, what.rewrites, what.precisions);
}

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

} // namespace

Tally search(const Search &what,
             const std::function<void(const Failure &)> &report,
             const std::function<void(const Tally &)> &progress) {
  const double start = now();
  const uint64_t end = what.seed + uint64_t(what.programs);
  Tally tally;
  for (uint64_t seed = what.seed; seed < end && now() - start < what.seconds;) {
    const uint64_t last = std::min(end, seed + kBatch);
    // "@SEED", then lines of what is wrong, then "#numbers"
    Outcome outcome = isolated(
        [&](const Send &send) {
          for (uint64_t s = seed; s < last; s++) {
            if (s != seed && now() - start >= what.seconds)
              return;
            send(fmt::format("@{}\n", s));
            Tally mine;
            mine.programs = 1;
            std::string text;
            try {
              Program program = makeProgram(drawRecipe(s));
              for (const std::string &line :
                   compare(program.module(), settingOf(what, s), mine))
                text += line + "\n";
            } catch (const std::exception &error) {
              text += std::string("threw: ") + error.what() + "\n";
            }
            send(fmt::format("{}#{} {} {} {} {} {}\n", text, mine.programs,
                             mine.reduced, mine.runs, mine.elements,
                             mine.meaningful, mine.exact));
          }
        },
        kBatchSeconds);
    std::istringstream lines(outcome.text);
    std::string problem;
    uint64_t at = seed;
    bool isOpen = false;
    auto close = [&] {
      if (!problem.empty())
        report(shrunk(what, at, settingOf(what, at), problem));
      problem.clear();
    };
    for (std::string line; std::getline(lines, line);) {
      if (line[0] == '@') {
        at = std::stoull(line.substr(1));
        isOpen = true;
      } else if (line[0] == '#') {
        Tally mine;
        std::istringstream(line.substr(1)) >> mine.programs >> mine.reduced >>
            mine.runs >> mine.elements >> mine.meaningful >> mine.exact;
        tally.add(mine);
        isOpen = false;
        close();
      } else {
        problem += line + "\n";
      }
    }
    if (!outcome.problem.empty() && isOpen) {
      problem += outcome.problem + "\n";
      tally.programs++;
      close();
    }
    seed = at + 1;
    if (progress)
      progress(tally);
  }
  return tally;
}

std::vector<std::string> replay(mlir::ModuleOp program,
                                const std::vector<std::string> &targets,
                                const std::vector<std::string> &rewrites,
                                const std::vector<std::string> &precisions,
                                Tally &tally) {
  std::vector<Setting> settings;
  auto add = [&](Setting setting, const std::string &precision) {
    settings.push_back(std::move(setting));
    settings.back().precision = precision;
  };
  for (const std::string &target : targets) {
    for (const std::string &precision : precisions)
      add({target, {}}, precision);
    add({target, rewrites}, precisions.front());
    if (rewrites.size() > 1)
      for (const std::string &name : rewrites)
        add({target, {name}}, precisions.front());
    add({target, {}, true}, precisions.front());
  }
  std::map<std::string, Reference> references;
  for (const std::string &precision : precisions)
    references[precision] = makeReference(program, precision);
  std::vector<std::string> lines;
  tally.programs++;
  tally.reduced += hasLargeProduct(program) &&
                   llvm::any_of(precisions, [](const std::string &precision) {
                     return precision != "f32";
                   });
  for (const Setting &setting : settings)
    for (const std::string &line :
         differences(program, references.at(setting.precision), setting, tally))
      lines.push_back(fuzz::textOf(setting) + ": " + line);
  return lines;
}

} // namespace phlox::fuzz
