#include "rl/toml.h"
#include <fmt/format.h>

namespace phlox::rl {
namespace {

// Runs through what is outside of comments and texts.
class Scanner {
public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // the line of the first key with too many parts, 0 if there is none
  std::uint32_t too_deep() {
    int dots = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_text(c);
        continue;
      }
      if (c == '#') {
        skip_to('\n');
        continue;
      }
      if (c == '.' && ++dots >= most_key_parts)
        return line_;
      if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos)
        dots = 0;
      step();
    }
    return 0;
  }

private:
  void step() { line_ += text_[at_++] == '\n'; }

  void skip_to(char end) {
    while (at_ < text_.size() && text_[at_] != end)
      step();
  }

  // a text in one or in three quotes; one quote does not reach the next line
  void skip_text(char quote) {
    const std::string three(3, quote);
    const bool is_long = text_.substr(at_).starts_with(three);
    at_ += is_long ? 3 : 1;
    for (; at_ < text_.size(); step()) {
      if (text_[at_] == '\\' && quote == '"' && at_ + 1 < text_.size()) {
        step();
      } else if (is_long ? text_.substr(at_).starts_with(three)
                         : text_[at_] == quote) {
        at_ += is_long ? 3 : 1;
        // the text itself may end in two more
        for (int i = 0;
             is_long && i < 2 && text_.substr(at_).starts_with(quote); i++)
          at_++;
        return;
      } else if (!is_long && text_[at_] == '\n') {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

} // namespace

toml::table parse_toml(std::string_view text) {
  static const std::string rule =
      fmt::format("a key must have at most {} parts", most_key_parts);
  if (const auto line = Scanner(text).too_deep())
    throw toml::parse_error(rule.c_str(), toml::source_position{line, 1},
                            nullptr);
  return toml::parse(text);
}

} // namespace phlox::rl
