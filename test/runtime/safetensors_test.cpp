#include "runtime/dtype.h"
#include "runtime/safetensors.h"
#include "test/runtime/support.h"
#include <csignal>
#include <gmock/gmock.h>
#include <sys/resource.h>

namespace phlox::runtime::test {
namespace {

StoredTensor tensor(const std::string &name, phlox_dtype dtype,
                    std::vector<std::int64_t> shape) {
  std::uint64_t bytes = 0;
  EXPECT_TRUE(dense_bytes(dtype, shape, bytes));
  StoredTensor result{name, dtype, std::move(shape), {}};
  for (std::uint64_t i = 0; i < bytes; ++i)
    result.data.push_back(
        static_cast<std::byte>(dtype == PHLOX_BOOL ? i % 2 : 3 * i + 1));
  return result;
}

std::vector<StoredTensor> one_of_each() {
  return {
      tensor("b", PHLOX_BOOL, {3}),       tensor("u8", dtype_u8, {5}),
      tensor("h", PHLOX_BF16, {2, 1, 3}), tensor("f", PHLOX_F32, {4, 2}),
      tensor("i", PHLOX_I32, {7}),        tensor("u", PHLOX_U32, {1}),
      tensor("d", PHLOX_F64, {3}),        tensor("l", PHLOX_I64, {}),
      tensor("key", PHLOX_U64, {2}),      tensor("none", PHLOX_F32, {0, 4})};
}

std::string text_in(const std::string &path) {
  std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

TEST(Safetensors, EveryTypeComesBack) {
  Folder folder;
  std::vector<StoredTensor> written = one_of_each();
  Metadata metadata = {{"program", "sac"}, {"note", "a \"b\"\n\\ é \x01"}};
  write_safetensors(folder / "a", written, metadata);
  TensorFile read = read_safetensors(folder / "a");
  EXPECT_EQ(read.metadata, metadata);
  ASSERT_EQ(read.tensors.size(), written.size());
  for (const StoredTensor &tensor : written) {
    const StoredTensor *found = read.find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->dtype, tensor.dtype);
    EXPECT_EQ(found->shape, tensor.shape);
    EXPECT_EQ(found->data, tensor.data);
  }
  EXPECT_EQ(read.find("absent"), nullptr);
}

TEST(Safetensors, NoTensorsComeBack) {
  Folder folder;
  write_safetensors(folder / "a", std::vector<StoredTensor>{});
  TensorFile read = read_safetensors(folder / "a");
  EXPECT_TRUE(read.tensors.empty());
  EXPECT_TRUE(read.metadata.empty());
}

TEST(Safetensors, BytesAreThoseOfTheFormat) {
  Folder folder;
  std::vector<StoredTensor> tensors = {tensor("z", PHLOX_BOOL, {1}),
                                       tensor("b", PHLOX_F32, {1, 2}),
                                       tensor("a", PHLOX_F32, {})};
  write_safetensors(folder / "a", tensors, {{"k", "v"}});
  // wider types first, then by name; the header ends at a multiple of 8
  std::string header =
      R"({"__metadata__":{"k":"v"},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},)"
      R"("z":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  ASSERT_LT(header.size(), 256u);
  std::string data("\1\4\7\12\1\4\7\12\15\20\23\26\0", 13);
  EXPECT_EQ(text_in(folder / "a"), length + header + data);
}

TEST(Safetensors, EscapesAreResolved) {
  Folder folder;
  std::string header =
      R"({"__metadata__":{"k":"\u00e9\ud83d\ude00\n\/\"\\\b\f\r\t\u20aC"}})";
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  write_file_atomically(folder / "a", bytes_of(length + header));
  EXPECT_EQ(read_safetensors(folder / "a").metadata.at("k"),
            "é😀\n/\"\\\b\f\r\t€");
}

TEST(Safetensors, WriterRefusesWhatItsReaderWould) {
  Folder folder;
  std::string path = folder / "a";
  auto refusal = [&](std::vector<StoredTensor> tensors,
                     const Metadata &metadata = {}) {
    return message_of([&] { write_safetensors(path, tensors, metadata); });
  };
  StoredTensor a = tensor("a", PHLOX_F32, {2});
  EXPECT_EQ(refusal({a, tensor("b", PHLOX_F32, {1}), a}),
            path + ": tensor \"a\": name must occur once: got it twice");
  EXPECT_EQ(
      refusal({tensor("__metadata__", PHLOX_F32, {1})}),
      path + ": tensor \"__metadata__\": name must occur once: got it twice");
  a.data.pop_back();
  EXPECT_EQ(refusal({a}), path + ": tensor \"a\": must hold the bytes of f32 "
                                 "2: got 7");
  EXPECT_EQ(refusal({tensor("\xff", PHLOX_F32, {1})}),
            path + ": names and metadata must be UTF-8: got 1 bytes that are "
                   "not");
  EXPECT_EQ(refusal({}, {{"k", "\xc0\x80"}}),
            path + ": names and metadata must be UTF-8: got 2 bytes that are "
                   "not");
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Safetensors, FullDiskLeavesTheOldFile) {
  Folder folder;
  std::string path = folder / "a";
  write_safetensors(path, one_of_each());
  std::string old = text_in(path);
  auto before = signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited, small;
  getrlimit(RLIMIT_FSIZE, &unlimited);
  small = unlimited;
  small.rlim_cur = 2000;
  setrlimit(RLIMIT_FSIZE, &small);
  std::vector<StoredTensor> large = {tensor("w", PHLOX_F32, {1000})};
  std::string message = message_of([&] { write_safetensors(path, large); });
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, before);
  EXPECT_EQ(message, path + ": cannot write: File too large");
  EXPECT_EQ(text_in(path), old);
  EXPECT_EQ(folder.files(), 1u);
}

TEST(Dtype, SizesDoNotOverflow) {
  std::uint64_t bytes = 7;
  std::int64_t big = std::int64_t{1} << 61;
  EXPECT_TRUE(dense_bytes(PHLOX_BF16, std::vector{big}, bytes));
  EXPECT_EQ(bytes, std::uint64_t{1} << 62);
  EXPECT_FALSE(dense_bytes(PHLOX_F32, std::vector{big}, bytes));
  EXPECT_FALSE(
      dense_bytes(PHLOX_F32, std::vector{big, big, std::int64_t{0}}, bytes));
  EXPECT_FALSE(dense_bytes(PHLOX_F32, std::vector<std::int64_t>{-1}, bytes));
  EXPECT_FALSE(dense_bytes(0, {}, bytes));
  EXPECT_TRUE(dense_bytes(PHLOX_F64, {}, bytes));
  EXPECT_EQ(bytes, 8u);
}

} // namespace
} // namespace phlox::runtime::test
