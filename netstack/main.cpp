#include "netstack/program.h"

int main(int count, char** arguments) {
  return burrow::netstack::run_program(count > 0 ? arguments[0] : "",
                                       {arguments + (count > 0 ? 1 : 0), arguments + count});
}
