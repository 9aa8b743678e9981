#include "dns/daemon.h"

int main(int argument_count, char** arguments) {
  return burrow::dns::run_program(
      {const_cast<const char* const*>(arguments), static_cast<size_t>(argument_count)});
}
