#include "plugins/tap/tap.h"

int main(int argc, char** argv) {
  burrow::plugins::Tap plugin;
  return burrow::plugins::run(plugin, argc, argv);
}
