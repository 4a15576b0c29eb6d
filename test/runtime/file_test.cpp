#include "test/runtime/support.h"
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace phlox::runtime::test {
namespace {

std::string text_in(const std::string &path) {
  std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

TEST(File, IsReplacedInOneStep) {
  Folder folder;
  std::string path = folder / "a";
  write_file_atomically(path, bytes_of("old"));
  {
    AtomicFile file(path);
    file.write(bytes_of("ne"));
    file.write(bytes_of("w"));
    EXPECT_EQ(text_in(path), "old");
    file.commit();
  }
  EXPECT_EQ(text_in(path), "new");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(File, KeepsTheOldBytesWithoutCommit) {
  Folder folder;
  std::string path = folder / "a";
  write_file_atomically(path, bytes_of("old"));
  {
    AtomicFile(path).write(bytes_of("new"));
  }
  EXPECT_EQ(text_in(path), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(File, FollowsALinkAndLeavesIt) {
  Folder folder;
  write_file_atomically(folder / "target", bytes_of("old"));
  ASSERT_EQ(symlink("target", (folder / "link").c_str()), 0);
  write_file_atomically(folder / "link", bytes_of("new"));
  EXPECT_EQ(text_in(folder / "target"), "new");
  struct stat about;
  ASSERT_EQ(lstat((folder / "link").c_str(), &about), 0);
  EXPECT_TRUE(S_ISLNK(about.st_mode));
}

TEST(File, FullDiskLeavesTheOldFileAndNothingElse) {
  // a file size limit: the write that crosses it is refused half-way
  Folder folder;
  std::string path = folder / "a";
  write_file_atomically(path, bytes_of("old"));
  auto before = signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited, small;
  getrlimit(RLIMIT_FSIZE, &unlimited);
  small = unlimited;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message = message_of(
      [&] { write_file_atomically(path, bytes_of(std::string(5000, 'x'))); });
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, before);
  EXPECT_EQ(message, path + ": cannot write: File too large");
  EXPECT_EQ(text_in(path), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(File, DevicesAreWrittenToAndNotReplaced) {
  std::string message =
      message_of([] { write_file_atomically("/dev/full", bytes_of("x")); });
  EXPECT_EQ(message, "/dev/full: cannot write: No space left on device");
  struct stat about;
  write_file_atomically("/dev/null", bytes_of("x"));
  ASSERT_EQ(stat("/dev/null", &about), 0);
  EXPECT_TRUE(S_ISCHR(about.st_mode));
}

TEST(File, RefusalsNameThePathAndTheReason) {
  Folder folder;
  std::string absent = folder / "no/such";
  EXPECT_EQ(message_of([&] { write_file_atomically(absent, {}); }),
            absent + ": cannot create: No such file or directory");
  EXPECT_EQ(message_of([&] { read_file(absent); }),
            absent + ": cannot open: No such file or directory");
  std::string here = folder / ".";
  EXPECT_EQ(message_of([&] { write_file_atomically(here, {}); }),
            here + ": cannot open for writing: Is a directory");
  EXPECT_EQ(message_of([&] { read_file(here); }),
            here + ": must be a regular file: got a folder");
  EXPECT_EQ(message_of([&] { read_file("/dev/null"); }),
            "/dev/null: must be a regular file: got a special file");
  std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { read_file(pipe); }),
            pipe + ": must be a regular file: got a special file");
}

TEST(File, ReadingPastTheEndIsRefused) {
  Folder folder;
  std::string path = folder / "a";
  write_file_atomically(path, bytes_of("abc"));
  Descriptor fd(open(path.c_str(), O_RDONLY));
  std::vector<std::byte> into(5);
  EXPECT_EQ(message_of([&] { read_exactly(fd.get(), into, path); }),
            path + ": cut short: must hold 5 more bytes: got 3");
}

TEST(File, PermissionsFollowTheUmask) {
  Folder folder;
  mode_t before = umask(027);
  write_file_atomically(folder / "a", {});
  umask(before);
  struct stat about;
  ASSERT_EQ(stat((folder / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640u);
}

} // namespace
} // namespace phlox::runtime::test
