#include "runtime/cores.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sched.h>
#include <unistd.h>
#include <vector>

namespace phlox::runtime {
namespace {

int affinity_cores() {
  // the kernel refuses masks that are shorter than its own
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    std::unique_ptr<cpu_set_t, void (*)(cpu_set_t *)> set(
        CPU_ALLOC(cpus), [](cpu_set_t *p) { CPU_FREE(p); });
    std::size_t bytes = CPU_ALLOC_SIZE(cpus);
    if (set && sched_getaffinity(0, bytes, set.get()) == 0)
      return std::max(1, CPU_COUNT_S(bytes, set.get()));
  }
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

// files of the kernel have no size to ask for
std::string read_text(const std::string &path) {
  std::string text;
  std::unique_ptr<FILE, int (*)(FILE *)> file(fopen(path.c_str(), "re"),
                                              fclose);
  char block[1024];
  std::size_t got = 0;
  while (file && (got = fread(block, 1, sizeof block, file.get())) > 0)
    text.append(block, got);
  return text;
}

// the parts of a text between separators
std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts(1);
  for (char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

// quota and period in microseconds; 0 without a quota
int cores_of(const std::string &quota, const std::string &period) {
  long long q = std::atoll(quota.c_str()), p = std::atoll(period.c_str());
  if (q <= 0 || p <= 0) // "max", "-1", no such file
    return 0;
  // rounded down: threads beyond the quota stall all others at the barrier
  return static_cast<int>(std::clamp(q / p, 1ll, 1ll << 20));
}

int cores_in_folder(const std::string &folder, bool version2) {
  if (!version2)
    return cores_of(read_text(folder + "/cpu.cfs_quota_us"),
                    read_text(folder + "/cpu.cfs_period_us"));
  std::vector<std::string> words = split(read_text(folder + "/cpu.max"), ' ');
  return words.size() == 2 ? cores_of(words[0], words[1]) : 0;
}

int smaller_limit(int a, int b) {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

} // namespace

int cgroup_cores(const std::string &membership, const std::string &root) {
  int limit = 0;
  for (const std::string &line : split(membership, '\n')) {
    // hierarchy:controllers:path, controllers empty in version 2
    std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    bool version2 = controllers.empty();
    std::vector<std::string> names = split(controllers, ',');
    if (!version2 &&
        std::find(names.begin(), names.end(), "cpu") == names.end())
      continue;
    std::string top = version2 ? root : root + "/" + controllers;
    // inside a container the path may be the host's: then only the top exists
    while (!path.empty() && path != "/") {
      limit = smaller_limit(limit, cores_in_folder(top + path, version2));
      path.resize(std::min(path.size() - 1, path.rfind('/')));
    }
    limit = smaller_limit(limit, cores_in_folder(top, version2));
  }
  return limit;
}

int available_cores() {
  int quota = cgroup_cores(read_text("/proc/self/cgroup"), "/sys/fs/cgroup");
  int affinity = affinity_cores();
  return quota == 0 ? affinity : std::min(affinity, quota);
}

} // namespace phlox::runtime
