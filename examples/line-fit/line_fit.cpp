// Fits a line by gradient descent: a program of one's own, from tracing to an
// artifact that `phlox run` and the C example take.
//
//   line-fit OUT.so
#include "compiler/artifact/Link.h"
#include "dsl/program.h"
#include <cstdio>
#include <exception>

using namespace phlox;

// Adds y = weight * x + bias, trained with a step of 0.1 on 64 points.
static void define(Program &program) {
  Leaf weight = program.leaf("weight", {1, 1});
  Leaf bias = program.leaf("bias", {1});
  program.entry("init", [&](Entry &entry) {
    entry.input("seed", {}, Element::count);
    entry.write(weight, 0);
    entry.write(bias, 0);
  });
  program.entry("train_step", [&](Entry &entry) {
    Tensor x = entry.input("x", {64, 1}), y = entry.input("y", {64, 1});
    Tensor w = entry.read(weight), b = entry.read(bias);
    Tensor loss = mean(square(linear(x, w, b) - y));
    std::vector<Tensor> slope = grad(loss, {w, b});
    entry.write(weight, w - 0.1 * slope[0]);
    entry.write(bias, b - 0.1 * slope[1]);
    entry.output("loss", loss);
  });
}

int main(int argc, char **argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: line-fit OUT.so\n");
    return 2;
  }
  Program program("line_fit");
  define(program);
  auto compiled = compile(program.module(), {});
  llvm::Error error = compiled ? artifact::writeShared(*compiled, argv[1])
                               : compiled.takeError();
  if (!error)
    return 0;
  std::fprintf(stderr, "line-fit: %s\n",
               llvm::toString(std::move(error)).c_str());
  return 1;
} catch (const std::exception &error) { // a shape that does not fit
  std::fprintf(stderr, "line-fit: %s\n", error.what());
  return 1;
}
