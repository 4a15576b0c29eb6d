// Text from anybody's file: no key is so deep that walking its tables can fail.
#include "rl/toml.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

std::string key_of(int parts) {
  std::string key;
  for (int i = 1; i < parts; i++)
    key += "a.";
  return key + "b";
}

std::uint32_t refused_line(const std::string &text) {
  try {
    parse_toml(text);
    return 0;
  } catch (const toml::parse_error &error) {
    EXPECT_EQ(error.description(), "a key must have at most 64 parts");
    return error.source().begin.line;
  }
}

TEST(Toml, PartsOfAKeyAreLimited) {
  EXPECT_EQ(refused_line(key_of(64) + " = 1"), 0u);
  EXPECT_EQ(refused_line(key_of(65) + " = 1"), 1u);
  EXPECT_EQ(refused_line(key_of(1'000'000) + " = 1"), 1u);
  EXPECT_EQ(refused_line("# " + key_of(99) + "\nx = 1.5 # " + key_of(99) +
                         "\n[" + key_of(65) + "]\n"),
            3u);
  EXPECT_EQ(refused_line("x = { y = 1, " + key_of(65) + " = 2 }"), 1u);
  std::string quoted = "'a'";
  for (int i = 0; i < 64; i++)
    quoted += i % 2 ? " . \"b\\\".\"" : ".'c.'";
  EXPECT_EQ(refused_line("\n" + quoted + " = 1"), 2u);
}

// a text in three quotes may end in two of its own
TEST(Toml, QuotesBeforeTheLastThreeBelongToTheText) {
  EXPECT_EQ(refused_line("x = { y = '''a'''', " + key_of(65) + " = 1 }"), 1u);
  EXPECT_EQ(
      refused_line("x = [\"\"\"a\"\"\"\"\", \"" + std::string(80, '.') + "\"]"),
      0u);
}

TEST(Toml, TextsAndCommentsAreNoKeys) {
  const std::string dots(100, '.');
  const auto table =
      parse_toml("a = '" + dots + "' # " + dots + "\nb = \"\\\"" + dots +
                 "\\\\\"\nc = '''\n'" + dots + "'\n'''\nd = \"\"\"\\\"" + dots +
                 "\"\"\"\ne = [1.5, 2.5]\n" + "# '\nf = 3\n");
  EXPECT_EQ(table["a"].value<std::string>(), dots);
  EXPECT_EQ(table["b"].value<std::string>(), '"' + dots + '\\');
  EXPECT_EQ(table["c"].value<std::string>(), "'" + dots + "'\n");
  EXPECT_EQ(table["d"].value<std::string>(), '"' + dots);
  EXPECT_EQ(table["f"].value<int>(), 3);
}

TEST(Toml, OtherErrorsAreTheLibrarys) {
  EXPECT_THROW(parse_toml("a = 'b"), toml::parse_error);
  EXPECT_THROW(parse_toml("a = \"\\"), toml::parse_error);
  EXPECT_THROW(parse_toml("a = '''b''"), toml::parse_error);
}

} // namespace
} // namespace phlox::rl
