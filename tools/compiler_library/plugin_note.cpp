// Compiled into every plug-in: a note in its file that says what it was built
// for, to be read before any of its code runs.
#include "tools/compiler_library/plugin_abi.h"
#include <cstdint>

namespace {

struct Note {
  std::uint32_t name_size, text_size, type;
  char name[8];
  char text[128];
};

[[gnu::section(".note.phlox"), gnu::used, gnu::aligned(4)]] const Note note = {
    sizeof "phlox", sizeof note.text, 1, "phlox", PHLOX_PLUGIN_ABI};

} // namespace
