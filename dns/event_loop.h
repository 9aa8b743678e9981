// The loop of host/event_loop.h under the names that this folder uses.
#pragma once

#include "host/event_loop.h"

namespace burrow::dns {

using host::Clock;
using host::EventLoop;
using host::FdWatch;
using host::Timer;

}  // namespace burrow::dns
