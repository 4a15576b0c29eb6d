#include "rl/trainer/signals.h"
#include <cstring>
#include <unistd.h>

namespace phlox::rl {
namespace {

volatile std::sig_atomic_t stop_signal = 0;
volatile std::sig_atomic_t requested = 0;

void on_stop(int signal) {
  if (signal == SIGINT && stop_signal == SIGINT)
    _exit(128 + SIGINT);
  stop_signal = signal;
}

void on_request(int) { requested = 1; }

const char *volatile early_doing = "";

// only what may be called in a handler
void put(const char *text) {
  [[maybe_unused]] ssize_t ignored =
      write(STDERR_FILENO, text, std::strlen(text));
}

void on_early_stop(int signal) {
  put("phlox: stopped by ");
  put(Signals::name(signal));
  put(" while ");
  put(early_doing);
  put("; nothing was trained\n");
  _exit(128 + signal);
}

} // namespace

Signals::Signals() {
  stop_signal = 0;
  requested = 0;
  for (int i = 0; i < 6; ++i) {
    struct sigaction action = {};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    int signal = handled_[i];
    if (signal == SIGUSR1)
      action.sa_handler = on_request;
    else if (signal == SIGXFSZ || signal == SIGPIPE)
      action.sa_handler = SIG_IGN;
    else
      action.sa_handler = on_stop;
    sigaction(signal, &action, &before_[i]);
  }
}

Signals::~Signals() {
  for (int i = 0; i < 6; ++i)
    sigaction(handled_[i], &before_[i], nullptr);
}

EarlyStop::EarlyStop(const char *doing) {
  early_doing = doing;
  for (int i = 0; i < 4; ++i) {
    struct sigaction action = {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = handled_[i] == SIGUSR1 ? SIG_IGN : on_early_stop;
    sigaction(handled_[i], &action, &before_[i]);
  }
}

EarlyStop::~EarlyStop() {
  for (int i = 0; i < 4; ++i)
    sigaction(handled_[i], &before_[i], nullptr);
}

const char *Signals::name(int signal) {
  return signal == SIGINT    ? "SIGINT"
         : signal == SIGTERM ? "SIGTERM"
         : signal == SIGHUP  ? "SIGHUP"
                             : "a signal";
}

int Signals::stop() { return stop_signal; }

bool Signals::take_request() {
  bool result = requested != 0;
  requested = 0;
  return result;
}

} // namespace phlox::rl
