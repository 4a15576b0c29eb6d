// Files that lie: every refusal, and damage at every byte.
#include "runtime/safetensors.h"
#include "test/runtime/support.h"
#include <fstream>
#include <gmock/gmock.h>
#include <random>

namespace phlox::runtime::test {
namespace {

std::string with_length(std::uint64_t length, const std::string &rest) {
  std::string text;
  for (int i = 0; i < 8; ++i)
    text += static_cast<char>(length >> (8 * i));
  return text + rest;
}

class SafetensorsDamage : public testing::Test {
protected:
  std::string refusal_of_file(const std::string &bytes) {
    // hundreds of files: a new one each time is written without a sync
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
    return message_of([&] { read_safetensors(path); });
  }
  std::string refusal(const std::string &header, const std::string &data = "") {
    std::string message =
        refusal_of_file(with_length(header.size(), header + data));
    EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
    return message.substr(std::min(message.size(), path.size() + 2));
  }
  Folder folder;
  std::string path = folder / "a";
};

// one tensor "w" with given fields
std::string row(const std::string &dtype, const std::string &shape,
                const std::string &offsets) {
  return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape +
         R"(,"data_offsets":)" + offsets + "}}";
}

TEST_F(SafetensorsDamage, Lengths) {
  EXPECT_EQ(refusal_of_file("1234567"),
            path + ": cut short: must hold at least 8 bytes: got 7");
  EXPECT_EQ(refusal_of_file(with_length(100, "{}")),
            path + ": cut short: header must fit 2 bytes: got 100");
  EXPECT_EQ(refusal_of_file(with_length(100'000'001, "{}")),
            path + ": header must be at most 100000000 bytes: got 100000001");
  EXPECT_EQ(refusal_of_file(with_length(~0ull, "{}")),
            path + ": header must be at most 100000000 bytes: got "
                   "18446744073709551615");
}

TEST_F(SafetensorsDamage, Json) {
  EXPECT_EQ(refusal(""), "header must begin with '{'");
  EXPECT_EQ(refusal(" {}"), "header must begin with '{'");
  EXPECT_EQ(refusal("{"), "header byte 1 must be '\"': got the header's end");
  EXPECT_EQ(refusal("{}x"), "header byte 2 must be the header's end: got 'x'");
  EXPECT_EQ(refusal("{\"w\"}"), "header byte 4 must be ':': got '}'");
  EXPECT_EQ(refusal("{\"w\n\"}"),
            "header byte 3 must be a printable character: got byte 0x0a");
  EXPECT_EQ(refusal("{\"w"),
            "header byte 3 must be '\"': got the header's end");
  EXPECT_EQ(refusal("{\"\xff\"}"),
            "header byte 2 must be the start of UTF-8 text: got byte 0xff");
  EXPECT_EQ(refusal("{\"\\x\"}"), "header byte 3 must be an escape: got 'x'");
  EXPECT_EQ(refusal("{\"\\"),
            "header byte 3 must be an escape: got the header's end");
  EXPECT_EQ(refusal("{\"\\u00g0\"}"),
            "header byte 6 must be a hexadecimal digit: got 'g'");
  EXPECT_EQ(refusal("{\"\\ud800x\"}"),
            "header byte 8 must be the second half of a surrogate pair: got "
            "'x'");
  EXPECT_EQ(refusal("{\"\\ud800\\u0041\"}"),
            "header byte 14 must be preceded by the second half of a surrogate "
            "pair: got '\"'");
  EXPECT_EQ(refusal("{\"\\udc00\"}"),
            "header byte 8 must be preceded by a whole surrogate pair: got "
            "'\"'");
  EXPECT_EQ(refusal(row("F32", "[-1]", "[0,0]")),
            "header byte 29 must be a whole number: got '-'");
  EXPECT_EQ(refusal(row("F32", "[1.0]", "[0,0]")),
            "header byte 30 must be ']': got '.'");
  EXPECT_EQ(refusal(row("F32", "[01]", "[0,0]")),
            "header byte 29 must be a whole number without leading zeros: got "
            "'0'");
  EXPECT_EQ(refusal(row("F32", "[9223372036854775808]", "[0,0]")),
            "header byte 29 must be a whole number below 2^63: got '9'");
  EXPECT_EQ(refusal("[" + std::string(100'000, '[')),
            "header must begin with '{'");
  EXPECT_EQ(refusal("{\"w\":" + std::string(100'000, '{')),
            "header byte 6 must be '\"': got '{'");
}

TEST_F(SafetensorsDamage, Rows) {
  EXPECT_EQ(refusal(row("F16", "[]", "[0,2]"), "ab"),
            "tensor \"w\": dtype must be F32, F64, BF16, I32, U32, I64, U64, "
            "BOOL or U8: got \"F16\"");
  EXPECT_EQ(refusal(row("F32", "[1]", "[0]")),
            "tensor \"w\": data_offsets must be 2 numbers: got 1");
  EXPECT_EQ(refusal(row("F32", "[1]", "[4,0]")),
            "tensor \"w\": data_offsets must ascend: got 4 and 0");
  EXPECT_EQ(refusal(row("F32", "[2]", "[0,4]"), "abcd"),
            "tensor \"w\": data_offsets must span the 8 bytes of f32 2: got 4");
  EXPECT_EQ(refusal(row("F32", "[4294967296,2147483648]", "[0,0]")),
            "tensor \"w\": size must be below 2^63 bytes: got f32 "
            "4294967296x2147483648");
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F32","shape":[]}})"),
            "tensor \"w\": key \"data_offsets\" must be present: got none");
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F32","dtype":"F32"}})"),
            "tensor \"w\": key \"dtype\" must occur once: got it twice");
  EXPECT_EQ(refusal(R"({"w":{"extra":1}})"),
            "tensor \"w\": keys must be dtype, shape and data_offsets: got "
            "\"extra\"");
  EXPECT_EQ(refusal(R"({"__metadata__":{"k":"a","k":"b"}})"),
            "metadata key \"k\" must occur once: got it twice");
  std::string scalar = R"("w":{"dtype":"U8","shape":[],"data_offsets":[0,1]})";
  EXPECT_EQ(refusal("{" + scalar + "," + scalar + "}", "a"),
            "tensor \"w\": name must occur once: got it twice");
  EXPECT_EQ(refusal(row("BOOL", "[3]", "[0,3]"), std::string("\0\1\2", 3)),
            "tensor \"w\": element must be 0 or 1: got 2 at 2");
}

TEST_F(SafetensorsDamage, Extents) {
  auto two = [](const std::string &first, const std::string &second) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
           R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}";
  };
  EXPECT_EQ(refusal(two("[0,2]", "[1,3]"), "abc"),
            "tensor \"b\": bytes must begin at 2 where the tensor before ends: "
            "got 1");
  EXPECT_EQ(refusal(two("[0,2]", "[0,2]"), "ab"),
            "tensor \"b\": bytes must begin at 2 where the tensor before ends: "
            "got 0");
  EXPECT_EQ(refusal(two("[0,2]", "[3,5]"), "abcde"),
            "tensor \"b\": bytes must begin at 2 where the tensor before ends: "
            "got 3");
  EXPECT_EQ(refusal(two("[2,4]", "[0,2]"), "abc"),
            "tensor \"a\": cut short: bytes must end within the file's 3: got "
            "4");
  EXPECT_EQ(refusal(two("[2,4]", "[0,2]"), "abcde"),
            "tensors must cover all 5 bytes after the header: got 4");
  EXPECT_EQ(refusal("{}", "a"),
            "tensors must cover all 1 bytes after the header: got 0");
}

class SafetensorsFuzz : public SafetensorsDamage {
protected:
  void SetUp() override {
    std::vector<StoredTensor> tensors = {
        {"weight", PHLOX_F32, {2, 3}, std::vector<std::byte>(24)},
        {"key", PHLOX_U64, {}, std::vector<std::byte>(8)},
        {"mask", PHLOX_BOOL, {5}, std::vector<std::byte>(5)}};
    write_safetensors(path, tensors, {{"k", "v"}});
    std::vector<std::byte> bytes = read_file(path);
    whole.assign(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  }
  std::string whole;
};

TEST_F(SafetensorsFuzz, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal_of_file(whole.substr(0, size)), "no error") << size;
  EXPECT_NE(refusal_of_file(whole + '\0'), "no error");
}

TEST_F(SafetensorsFuzz, DamageIsRefusedOrLeavesAConsistentFile) {
  std::mt19937 random(7);
  int refused = 0, tries = 1500;
  for (int i = 0; i < tries; ++i) {
    std::string damaged = whole;
    for (unsigned k = random() % 3 + 1; k > 0; --k)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    std::string message = refusal_of_file(damaged);
    if (message != "no error") {
      ++refused;
      EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
      EXPECT_EQ(message.find('\n'), message.npos) << message;
      continue;
    }
    // what passes (a changed name, a changed number) still fits its sizes
    std::size_t bytes = 0;
    for (const StoredTensor &tensor : read_safetensors(path).tensors)
      bytes += tensor.data.size();
    EXPECT_EQ(bytes, 37u);
  }
  EXPECT_GT(refused, tries / 2);
}

} // namespace
} // namespace phlox::runtime::test
