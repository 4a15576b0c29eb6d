#include "runtime/dtype.h"
#include "runtime/file.h"
#include "runtime/safetensors.h"
#include "test/runtime/support.h"
#include <gmock/gmock.h>

namespace phlox::runtime::test {
namespace {

class StateTest : public testing::Test {
protected:
  std::vector<std::byte> arena() {
    auto *bytes = static_cast<std::byte *>(phlox_state_arena(state.get()));
    return {bytes, bytes + 256};
  }
  void fill() {
    auto *bytes = static_cast<std::byte *>(phlox_state_arena(state.get()));
    for (const phlox_tensor *leaf = table->leaves;
         leaf != table->leaves + table->leaf_count; ++leaf)
      for (std::uint64_t i = 0; i < leaf->bytes; ++i)
        bytes[leaf->offset + i] =
            static_cast<std::byte>(leaf->dtype == PHLOX_BOOL ? 1 : i + 1);
  }
  // saves the state with one tensor changed and tells how loading ends
  Result load_changed(const std::function<void(TensorFile &)> &change) {
    std::string path = folder / "changed";
    check(phlox_state_save(state.get(), path.c_str()));
    TensorFile file = read_safetensors(path);
    change(file);
    write_safetensors(path, file.tensors, file.metadata);
    std::vector<std::byte> before = arena();
    Result result = take(phlox_state_load(state.get(), path.c_str()));
    if (result.code != 0) {
      EXPECT_EQ(arena(), before);
    }
    EXPECT_THAT(result.message, testing::StartsWith(path + ": "));
    result.message.erase(0, path.size() + 2);
    return result;
  }
  static StoredTensor &leaf(TensorFile &file, const std::string &name) {
    return const_cast<StoredTensor &>(*file.find(name));
  }

  Folder folder;
  Executable executable = wrap();
  const phlox_executable_table *table =
      phlox_executable_table_of(executable.get());
  State state = make_state(executable);
};

TEST_F(StateTest, BeginsAsZerosOnAPage) {
  EXPECT_EQ(arena(), std::vector<std::byte>(256));
  auto address =
      reinterpret_cast<std::uintptr_t>(phlox_state_arena(state.get()));
  EXPECT_EQ(address % 4096, 0u);
}

TEST_F(StateTest, LeavesAreFoundByName) {
  const phlox_tensor *desc = nullptr;
  void *address = nullptr;
  check(phlox_state_leaf(state.get(), "half", &desc, &address));
  EXPECT_EQ(desc->dtype, PHLOX_BF16);
  EXPECT_EQ(static_cast<char *>(address) -
                static_cast<char *>(phlox_state_arena(state.get())),
            192);
  check(phlox_state_leaf(state.get(), "half", nullptr, nullptr));
  Result result = take(phlox_state_leaf(state.get(), "bias", &desc, &address));
  EXPECT_EQ(result.code, PHLOX_NOT_FOUND);
  EXPECT_EQ(result.message, "leaf must be in the state of 'adder': got 'bias'");
}

TEST_F(StateTest, ComesBackFromAFile) {
  fill();
  std::string path = folder / "state.safetensors";
  check(phlox_state_save(state.get(), path.c_str()));
  State other = make_state(executable);
  check(phlox_state_load(other.get(), path.c_str()));
  EXPECT_EQ(std::memcmp(phlox_state_arena(other.get()),
                        phlox_state_arena(state.get()), 256),
            0);
  TensorFile file = read_safetensors(path);
  EXPECT_EQ(file.metadata.at("program"), "adder");
  EXPECT_EQ(file.metadata.at("hash"), table->hash);
}

TEST_F(StateTest, OtherLeavesAreRefusedAndChangeNothing) {
  fill();
  Result result =
      load_changed([](TensorFile &file) { leaf(file, "half").shape = {3, 2}; });
  EXPECT_EQ(result.code, PHLOX_INVALID_ARGUMENT);
  EXPECT_EQ(result.message, "leaf 'half' must be bf16 2x3: got bf16 3x2");
  result =
      load_changed([](TensorFile &file) { leaf(file, "count").shape = {1}; });
  EXPECT_EQ(result.message, "leaf 'count' must be u64 scalar: got u64 1");
  result = load_changed(
      [](TensorFile &file) { leaf(file, "layer/weight").dtype = PHLOX_I32; });
  EXPECT_EQ(result.message, "leaf 'layer/weight' must be f32 16: got i32 16");
  result =
      load_changed([](TensorFile &file) { leaf(file, "flag").name = "flags"; });
  EXPECT_EQ(result.code, PHLOX_INVALID_ARGUMENT);
  EXPECT_EQ(result.message, "leaf 'flag' must be bool 3: got no such tensor");
  result = load_changed([](TensorFile &file) {
    file.tensors.push_back({"more", PHLOX_F32, {0}, {}});
  });
  EXPECT_EQ(result.message, "tensors must be leaves of 'adder': got \"more\"");
  result = load_changed([](TensorFile &file) {
    StoredTensor &flag = leaf(file, "flag");
    flag.data[1] = std::byte{9};
  });
  EXPECT_EQ(result.code, PHLOX_CORRUPT);
  EXPECT_EQ(result.message,
            "tensor \"flag\": element must be 0 or 1: got 9 at 1");
}

TEST_F(StateTest, DamagedAndAbsentFilesAreToldApart) {
  std::string path = folder / "state.safetensors";
  EXPECT_EQ(take(phlox_state_load(state.get(), path.c_str())).code,
            PHLOX_NOT_FOUND);
  write_file_atomically(path, bytes_of("{}"));
  EXPECT_EQ(take(phlox_state_load(state.get(), path.c_str())).code,
            PHLOX_CORRUPT);
  EXPECT_EQ(
      take(phlox_state_save(state.get(), (folder / "no/such").c_str())).code,
      PHLOX_NOT_FOUND);
  Result result = take(phlox_state_save(state.get(), "/dev/full"));
  EXPECT_EQ(result.code, PHLOX_SYSTEM);
  EXPECT_EQ(result.message, "/dev/full: cannot write: No space left on device");
}

TEST_F(StateTest, NullArgumentsAreRefused) {
  phlox_state *out = nullptr;
  EXPECT_EQ(take(phlox_state_create(nullptr, &out)).message,
            "executable must not be null: got null");
  EXPECT_EQ(take(phlox_state_create(executable.get(), nullptr)).message,
            "out must not be null: got null");
  EXPECT_EQ(take(phlox_state_load(nullptr, "a")).message,
            "state must not be null: got null");
  EXPECT_EQ(take(phlox_state_save(state.get(), nullptr)).message,
            "path must not be null: got null");
  EXPECT_EQ(
      take(phlox_state_leaf(state.get(), nullptr, nullptr, nullptr)).message,
      "name must not be null: got null");
  EXPECT_EQ(phlox_state_arena(nullptr), nullptr);
  phlox_state_free(nullptr);
}

TEST_F(StateTest, VerifiesTheSumOfItsFile) {
  const std::string path = folder / "sum";
  write_file_atomically(path, std::as_bytes(std::span("abc", 3)));
  const std::string sum = // FIPS 180-4, the standard's own example
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  check(phlox_file_verify(path.c_str(), sum.c_str()));
  const std::string other = "c" + sum.substr(1);
  Result result = take(phlox_file_verify(path.c_str(), other.c_str()));
  EXPECT_EQ(result.code, PHLOX_CORRUPT);
  EXPECT_EQ(result.message,
            path + ": SHA-256 must be " + other + ": got " + sum);
  EXPECT_EQ(take(phlox_file_verify((path + "x").c_str(), sum.c_str())).code,
            PHLOX_NOT_FOUND);
}

} // namespace
} // namespace phlox::runtime::test
