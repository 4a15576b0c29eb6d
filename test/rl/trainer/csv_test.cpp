// A table that is cut back, and what became of it in between.
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/csv.h"
#include "test/rl/trainer/run_lqr.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CsvTest : public testing::Test {
protected:
  test::Scratch folder;
  const std::string path = (folder.path() / "t.csv").string();

  // the table after a resume at `offset` and a row more
  std::string resumed(std::int64_t offset, std::string &complaint) {
    Csv table(path, "a,b", offset);
    EXPECT_THAT(table.columns(), ElementsAre("a", "b"));
    complaint = table.complaint();
    EXPECT_TRUE(table.row("5,6"));
    return read_text(path);
  }
};

TEST_F(CsvTest, IsCutBackToACheckpoint) {
  std::int64_t offset = 0;
  {
    Csv table(path, "a,b");
    table.row("1,2");
    offset = table.sync();
    table.row("3,4");
  }
  std::string complaint;
  EXPECT_EQ(resumed(offset, complaint), "a,b\n1,2\n5,6\n");
  EXPECT_THAT(complaint, IsEmpty());
}

TEST_F(CsvTest, WhatIsMissingIsSaidAndTheRestKept) {
  std::string complaint;
  EXPECT_EQ(resumed(8, complaint), "a,b\n5,6\n"); // deleted
  EXPECT_THAT(complaint, HasSubstr("got 0 bytes, of which 0 are kept"));
  write_text(path, "");
  EXPECT_EQ(resumed(8, complaint), "a,b\n5,6\n");
  write_text(path, "a,b\n1,");
  EXPECT_EQ(resumed(8, complaint), "a,b\n5,6\n");
  EXPECT_THAT(complaint, HasSubstr("in the 8 bytes that the checkpoint "
                                   "counted: got 6 bytes, of which 4"));
  // with other ends of lines the count ends inside of a row
  write_text(path, "a,b\r\n1,2\r\n3,4\r\n");
  EXPECT_EQ(resumed(8, complaint), "a,b\r\n5,6\n");
  EXPECT_THAT(complaint, HasSubstr("got 15 bytes, of which 5 are kept"));
}

} // namespace
} // namespace phlox::rl
