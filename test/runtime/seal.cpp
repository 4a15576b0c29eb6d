// Copies a shared object and gives the copy the trailer of an artifact:
// seal IN OUT.
#include "runtime/file.h"
#include "runtime/trailer.h"
#include <cstdio>
#include <exception>

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  try {
    phlox::runtime::write_file_atomically(argv[2],
                                          phlox::runtime::read_file(argv[1]));
    phlox::runtime::append_trailer(argv[2]);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
