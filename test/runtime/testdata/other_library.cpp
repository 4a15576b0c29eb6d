// A library that is not fit to be the runtime: library_test.sh must refuse it.
#include <string>

__attribute__((visibility("default"))) std::string llvm_name(int count) {
  return std::string(static_cast<std::size_t>(count), 'x');
}
