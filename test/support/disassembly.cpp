#include "test/support/disassembly.h"
#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>
#include <stdexcept>

namespace phlox::test {

std::string outputOf(const std::string &command) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    throw std::runtime_error(command + ": cannot be run");
  std::string text;
  char part[4096];
  while (size_t count = fread(part, 1, sizeof part, pipe))
    text.append(part, count);
  if (pclose(pipe) != 0)
    throw std::runtime_error(command + " failed:\n" + text);
  return text;
}

namespace {

// "0000000000000040 <name>:" gives the name, other lines nothing
std::string nameIn(const std::string &line) {
  size_t start = line.find('<');
  if (line.empty() || !isxdigit(line[0]) || start == std::string::npos ||
      !line.ends_with(">:"))
    return "";
  return line.substr(start + 1, line.size() - start - 3);
}

// "    1f40: jne  0x1f00 <...>"
bool readInstruction(const std::string &line, Instruction &instruction) {
  size_t colon = line.find(':');
  if (line.empty() || line[0] != ' ' || colon == std::string::npos)
    return false;
  size_t text = line.find_first_not_of(" \t", colon + 1);
  if (text == std::string::npos)
    return false;
  instruction = {std::stoull(line.substr(0, colon), nullptr, 16),
                 line.substr(text)};
  return true;
}

// where a jump goes, or nowhere
uint64_t targetOf(const std::string &text) {
  size_t at = text.find("0x");
  if (text[0] != 'j' || at == std::string::npos)
    return UINT64_MAX;
  return std::stoull(text.substr(at), nullptr, 16);
}

bool has(const std::string &text, const char *part) {
  return text.find(part) != std::string::npos;
}

} // namespace

std::vector<Loop> innermostLoops(const std::string &disassembly,
                                 const std::string &suffix) {
  std::vector<Loop> loops;
  std::istringstream in(disassembly);
  std::vector<Instruction> function;
  bool isMine = false;
  Instruction instruction;
  for (std::string line; std::getline(in, line);) {
    if (std::string name = nameIn(line); !name.empty()) {
      isMine = name.ends_with(suffix);
      function.clear();
    } else if (isMine && readInstruction(line, instruction)) {
      function.push_back(instruction);
      uint64_t to = targetOf(instruction.text);
      if (to > instruction.address)
        continue;
      Loop loop;
      for (const Instruction &each : function)
        if (each.address >= to)
          loop.push_back(each);
      // one that holds a loop found before is not innermost
      bool isInner = true;
      for (const Loop &inner : loops)
        isInner &= inner.front().address < to ||
                   inner.front().address > instruction.address;
      if (isInner)
        loops.push_back(loop);
    }
  }
  return loops;
}

namespace {

// the last operand that is a register
std::string destinationOf(const std::string &text) {
  size_t end = text.find(" #"), at = text.rfind(", ", end);
  return at == std::string::npos ? "" : text.substr(at + 2, end - at - 2);
}

// registers that a loop adds products to and changes in no other way
size_t countSums(const Loop &loop, const std::string &reg) {
  std::map<std::string, bool> sums;
  for (const Instruction &each : loop) {
    std::string to = destinationOf(each.text);
    if (to.starts_with(reg))
      sums.try_emplace(to, true).first->second &=
          each.text.starts_with("vfmadd231ps");
  }
  return size_t(std::count_if(sums.begin(), sums.end(),
                              [](auto &sum) { return sum.second; }));
}

} // namespace

std::string HotLoop::fault() const {
  for (const char *wrong : {"%rsp", "call", "vmulps"})
    if (has(text, wrong))
      return wrong;
  return "";
}

std::vector<HotLoop> hotLoops(const std::string &disassembly,
                              const std::string &reg) {
  std::vector<HotLoop> hot;
  for (const Loop &loop : innermostLoops(disassembly, "_matmul_code")) {
    HotLoop found{"", countSums(loop, reg)};
    for (const Instruction &each : loop)
      found.text += each.text + "\n";
    if (found.sums >= 4) // less is no tile
      hot.push_back(std::move(found));
  }
  return hot;
}

} // namespace phlox::test
