#include "plugins/host-device/host_device.h"

int main(int argc, char** argv) {
  burrow::plugins::HostDevice plugin;
  return burrow::plugins::run(plugin, argc, argv);
}
