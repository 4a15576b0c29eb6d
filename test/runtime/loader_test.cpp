#include "runtime/trailer.h"
#include "test/runtime/support.h"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace phlox::runtime::test {
namespace {

const std::string adder = PHLOX_TESTDATA "/adder.so";

Result load(const std::string &path, Executable *out = nullptr) {
  phlox_executable *loaded = nullptr;
  Result result = take(phlox_executable_load(path.c_str(), &loaded));
  EXPECT_EQ(result.code == 0, loaded != nullptr);
  Executable executable(loaded, phlox_executable_free);
  if (out)
    *out = std::move(executable);
  return result;
}

TEST(Loader, LoadsTheTable) {
  Executable executable(nullptr, phlox_executable_free);
  Result result = load(adder, &executable);
  ASSERT_EQ(result.code, 0) << result.message;
  const phlox_executable_table *table =
      phlox_executable_table_of(executable.get());
  EXPECT_STREQ(table->program, "adder");
  EXPECT_EQ(table->leaf_count, 4u);
  EXPECT_EQ(table->entry_count, 6u);
}

TEST(Loader, TwoFilesAndTheSameFileTwiceStayApart) {
  // descriptors are reused in between: each must still be its own library
  Executable first(nullptr, phlox_executable_free), second = wrap();
  ASSERT_EQ(load(adder, &first).code, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(load(PHLOX_TESTDATA "/no_query.so").code, PHLOX_CORRUPT);
    ASSERT_EQ(load(adder, &second).code, 0);
    EXPECT_NE(phlox_executable_table_of(first.get()),
              phlox_executable_table_of(second.get()));
  }
}

TEST(Loader, IsNotFooledByALibraryThatStaysLoaded) {
  // it keeps the name that its descriptor had; the next one gets the number
  for (int i = 0; i < 3; ++i) {
    for (const char *name : {"sticky", "adder"}) {
      Executable executable(nullptr, phlox_executable_free);
      std::string path = std::string(PHLOX_TESTDATA "/") + name + ".so";
      ASSERT_EQ(load(path, &executable).code, 0);
      EXPECT_STREQ(phlox_executable_table_of(executable.get())->program, name);
    }
  }
}

TEST(Loader, RunsOnWhenTheFileIsOverwritten) {
  Folder folder;
  std::string path = folder / "a.so";
  write_file_atomically(path, read_file(adder));
  Executable executable(nullptr, phlox_executable_free);
  ASSERT_EQ(load(path, &executable).code, 0);
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  State state = make_state(executable);
  std::vector<std::uint64_t> seed = {5};
  phlox_buffer in = buffer(seed);
  check(phlox_entry_run(make_entry(executable, "init").get(), state.get(), &in,
                        1, nullptr, 0));
  EXPECT_EQ(*static_cast<float *>(phlox_state_arena(state.get())), 5.0f);
}

TEST(Loader, RefusesWhatIsNoFile) {
  Folder folder;
  Result result = load(folder / "none.so");
  EXPECT_EQ(result.code, PHLOX_NOT_FOUND);
  EXPECT_EQ(result.message,
            folder / "none.so" + ": cannot open: No such file or directory");
  EXPECT_EQ(load(folder / ".").code, PHLOX_CORRUPT);
  EXPECT_EQ(load(folder / ".").message,
            folder / "." + ": must be a regular file: got a folder");
}

TEST(Loader, RefusesWhatIsNoArtifact) {
  Result result = load(PHLOX_TESTDATA "/no_query.so");
  EXPECT_EQ(result.code, PHLOX_CORRUPT);
  EXPECT_EQ(result.message,
            PHLOX_TESTDATA "/no_query.so: artifact: symbol "
                           "phlox_executable_query must be exported: got none");
  result = load(PHLOX_TESTDATA "/no_version.so");
  EXPECT_EQ(result.code, PHLOX_CORRUPT);
  EXPECT_EQ(result.message, PHLOX_TESTDATA
            "/no_version.so: artifact table: version 2 must be served: got "
            "none");
  Folder folder;
  std::string text = folder / "text.so";
  write_file_atomically(text, bytes_of(std::string(200, 'x')));
  append_trailer(text);
  result = load(text);
  EXPECT_EQ(result.code, PHLOX_CORRUPT);
  EXPECT_THAT(result.message,
              testing::StartsWith(
                  text + ": artifact: must be a loadable ELF object: got "));
}

TEST(Loader, RefusesEveryFlippedByte) {
  Folder folder;
  std::string path = folder / "a.so";
  std::vector<std::byte> whole = read_file(adder);
  write_file_atomically(path, whole);
  ASSERT_EQ(load(path).code, 0);
  Descriptor fd(open(path.c_str(), O_WRONLY));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::byte flipped = whole[i] ^ static_cast<std::byte>(1u << (i % 8));
    auto at = static_cast<off_t>(i);
    ASSERT_EQ(pwrite(fd.get(), &flipped, 1, at), 1);
    ASSERT_EQ(load(path).code, PHLOX_CORRUPT) << "byte " << i;
    ASSERT_EQ(pwrite(fd.get(), &whole[i], 1, at), 1);
  }
  EXPECT_EQ(load(path).code, 0);
}

TEST(Loader, RefusesEveryTruncation) {
  Folder folder;
  std::string path = folder / "a.so";
  std::vector<std::byte> whole = read_file(adder);
  write_file_atomically(path, whole);
  for (std::size_t size = whole.size() - 1;;
       size -= std::min(size, size < whole.size() - 100 ? std::size_t{37}
                                                        : std::size_t{1})) {
    ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(size)), 0);
    Result result = load(path);
    ASSERT_EQ(result.code, PHLOX_CORRUPT) << size;
    ASSERT_THAT(result.message,
                testing::StartsWith(path + ": artifact: cut short"))
        << size;
    if (size == 0)
      break;
  }
  write_file_atomically(path, whole);
  EXPECT_EQ(load(path).code, 0);
}

TEST(Loader, RefusesAnUnknownLimit) {
  setenv("PHLOX_MAX_ISA", "sse9", 1);
  Result result = load(adder);
  unsetenv("PHLOX_MAX_ISA");
  EXPECT_EQ(result.code, PHLOX_INVALID_ARGUMENT);
  EXPECT_EQ(result.message, "PHLOX_MAX_ISA must be x86-64, x86-64-v3, "
                            "x86-64-v4, avx512-bf16 or amx: got 'sse9'");
}

TEST(Loader, RefusesNullArguments) {
  phlox_executable *out = nullptr;
  EXPECT_EQ(take(phlox_executable_load(nullptr, &out)).message,
            "path must not be null: got null");
  EXPECT_EQ(take(phlox_executable_load("a", nullptr)).message,
            "out must not be null: got null");
  EXPECT_EQ(take(phlox_executable_wrap(nullptr, &out)).message,
            "query must not be null: got null");
  EXPECT_EQ(phlox_executable_table_of(nullptr), nullptr);
  phlox_executable_free(nullptr);
  phlox_status_free(nullptr);
}

TEST(Status, TellsItsSource) {
  phlox_status *status = phlox_executable_load(nullptr, nullptr);
  EXPECT_THAT(phlox_status_source(status),
              testing::StartsWith("runtime/loader.cpp:"));
  phlox_status_free(status);
  EXPECT_STREQ(phlox_runtime_version(), "0.1.0");
}

} // namespace
} // namespace phlox::runtime::test
