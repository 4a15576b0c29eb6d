// Known answers of FIPS 180-4 and its example documents.
#include "runtime/sha256.h"
#include "runtime/sha256_blocks.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

namespace phlox::runtime {
namespace {

std::string hex_of(const std::string &text) {
  return to_hex(sha256(std::as_bytes(std::span(text))));
}

TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(hex_of(""), "e3b0c44298fc1c149afbf4c8996fb924"
                        "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_of("abc"), "ba7816bf8f01cfea414140de5dae2223"
                           "b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(
      hex_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
             "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(hex_of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += static_cast<char>(i * 7);
  // every padding case: 55, 56, 63, 64 and 65 bytes in the last block
  for (std::size_t size = 0; size <= text.size(); ++size) {
    auto bytes = std::as_bytes(std::span(text)).first(size);
    Sha256 in_pieces;
    for (std::size_t at = 0, step = 1; at < size; at += step, step += 3)
      in_pieces.update(bytes.subspan(at, std::min(step, size - at)));
    EXPECT_EQ(in_pieces.finish(), sha256(bytes)) << size;
  }
}

TEST(Sha256, BothFormsGiveTheSameWords) {
  std::vector<std::byte> blocks(64 * 5);
  std::uint32_t random = 1;
  for (std::byte &byte : blocks)
    byte =
        static_cast<std::byte>((random = random * 1664525 + 1013904223) >> 24);
  for (std::size_t count = 0; count <= 5; ++count) {
    Sha256Words words = {1, 2, 3, 4, 0xffffffff, 6, 7, 0x80000000};
    Sha256Words portable = words;
    if (!sha256_blocks_x86(words, blocks.data(), count))
      GTEST_SKIP() << "no SHA instructions here";
    sha256_blocks_portable(portable, blocks.data(), count);
    EXPECT_EQ(words, portable) << count;
  }
}

} // namespace
} // namespace phlox::runtime
