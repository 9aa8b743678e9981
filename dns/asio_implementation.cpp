// The one translation unit that compiles Boost.Asio itself; the others see declarations alone.
#include <boost/asio/impl/src.hpp>
