#include "core/result.h"

#include <cerrno>
#include <cstring>

namespace burrow {
namespace {

Errc classify(int code) {
  switch (code) {
    case ENOENT:
    case ENODEV:
    case ESRCH:
      return Errc::not_found;
    case EEXIST:
    case EADDRINUSE:
      return Errc::already_exists;
    case EPERM:
    case EACCES:
    case EROFS:
      return Errc::permission;
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return Errc::unsupported;
    case ETIMEDOUT:
      return Errc::timeout;
    default:
      return Errc::system;
  }
}

}  // namespace

Failure system_failure(int code, std::string_view what) {
  char buffer[128];
  const char* text = strerror_r(code, buffer, sizeof buffer);
  return Failure{
      Error{classify(code), fmt::format("{}: {} (os error {})", what, text, code), code}};
}

}  // namespace burrow
