#include "rl/trainer/trainer.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/loop.h"
#include "rl/trainer/signals.h"
#include <fmt/format.h>

namespace phlox::rl {

int train(const TrainRequest &request, RunFolder &folder, TextLog &log) {
  Signals signals;
  log.attach(folder.file("log.txt"));
  int status = 1;
  std::string reason;
  try {
    Loop loop(request, folder, log);
    try {
      status = loop.run();
      reason = loop.reason();
    } catch (const std::exception &error) {
      reason = error.what();
      log.warn(fmt::format("stopped at env step {}, update {}: {}",
                           loop.counters().env_step, loop.counters().update,
                           reason));
    }
  } catch (const UsageError &) {
    throw;
  } catch (const std::exception &error) {
    reason = error.what();
    log.warn(reason);
  }
  return status;
}

} // namespace phlox::rl
