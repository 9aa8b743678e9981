#include "engine/cli.h"

int main(int argc, char** argv) { return burrow::engine::run_command_line(argc, argv); }
