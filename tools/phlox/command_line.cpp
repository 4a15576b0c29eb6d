#include "tools/phlox/command_line.h"
#include "rl/trainer/errors.h"
#include "tools/phlox/output.h"
#include <exception>
#include <fmt/ranges.h>
#include <regex>
#include <sstream>

namespace phlox::tools {
namespace {

// errors are one line, whatever a library's text looks like
void complain(std::string_view text) { warn(text.substr(0, text.find('\n'))); }

// the verb of a command line, of several words where it has several
const CLI::App &verb_of(const CLI::App &app, std::string &name) {
  const auto verbs = app.get_subcommands();
  if (verbs.empty())
    return app;
  name += " " + verbs.front()->get_name();
  return verb_of(*verbs.front(), name);
}

std::string names_of(const CLI::App &verb) {
  std::vector<std::string> names;
  for (const CLI::App *one : verb.get_subcommands({}))
    names.push_back(one->get_name());
  return fmt::format("{}", fmt::join(names, ", "));
}

// the library's texts in the form of ours: what is required, what was given
std::string plain(const CLI::App &app, const CLI::ParseError &error) {
  std::string name = "phlox";
  const CLI::App &verb = verb_of(app, name);
  const std::string text = error.what();
  auto unknown = verb.remaining();
  std::string first = unknown.empty() ? "none" : "'" + unknown.front() + "'";
  if (&verb == &app)
    return fmt::format("a verb is required, see phlox --help: got {}",
                       unknown.empty() ? "none" : unknown.front());
  if (!verb.get_subcommands({}).empty())
    return fmt::format("{} must be followed by {}, see {} --help: got {}", name,
                       names_of(verb), name, first);
  if (dynamic_cast<const CLI::ExtrasError *>(&error))
    return fmt::format("{} must have arguments that it knows, see {} --help: "
                       "got {}",
                       name, name, first);
  static const std::pair<std::regex, const char *> known[] = {
      {std::regex(R"((\S+): Value (.*) not in range (.*) to (.*))"),
       "$1 must be from $3 to $4: got $2"},
      {std::regex(R"((\S+): 1 required \S+ missing)"),
       "$1 must have a value: got none"},
      {std::regex(R"((\S+): At Most 1 required but received (\d+))"),
       "$1 must be given once: got it $2 times"}};
  for (const auto &[pattern, form] : known)
    if (std::smatch found; std::regex_match(text, found, pattern))
      return found.format(form);
  if (dynamic_cast<const CLI::RequiredError *>(&error))
    return fmt::format("{}, see {} --help: got none", text, name);
  return text;
}

// an empty value is a shell's unset variable, and no wish for the default
void refuse_empty_values(CLI::App &app) {
  for (CLI::Option *option : app.get_options())
    if (option->get_items_expected_max() > 0)
      option->check([](const std::string &value) {
        return value.empty()
                   ? std::string("must have a value: got an empty one")
                   : std::string();
      });
  for (CLI::App *verb : app.get_subcommands({}))
    refuse_empty_values(*verb);
}

int run(CLI::App &app, int argc, char **argv) {
  refuse_empty_values(app);
  try {
    // after an empty --out= the library would take the next word
    for (int i = 1; i < argc; i++)
      if (const std::string_view word = argv[i];
          word.starts_with("--") && word.find('=') == word.size() - 1)
        throw rl::UsageError(
            fmt::format("{}: must have a value: got an empty one",
                        word.substr(0, word.size() - 1)));
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError &error) { // a verb's own status, said
    return error.get_exit_code();
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0) { // --help, --version
      std::ostringstream text, nothing;
      app.exit(error, text, nothing);
      show(text.str());
      return 0;
    }
    complain(plain(app, error));
    return 2;
  } catch (const rl::UsageError &error) {
    complain(error.what());
    return 2;
  } catch (const std::exception &error) {
    complain(error.what());
    return 1;
  } catch (...) { // by a plug-in
    complain("what is thrown must be a std::exception: got another type");
    return 1;
  }
  return 0;
}

} // namespace

int run_command_line(CLI::App &app, int argc, char **argv) {
  open_standard_files();
  const int status = run(app, argc, argv);
  const std::string_view lost = finish_output();
  if (lost.empty() || status != 0)
    return status;
  complain(fmt::format("stdout must take what is printed: got: {}", lost));
  return 1;
}

} // namespace phlox::tools
