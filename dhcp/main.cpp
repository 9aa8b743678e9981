#include "dhcp/program.h"

int main(int count, char** arguments) {
  return burrow::dhcp::run_program({arguments, static_cast<size_t>(count)});
}
