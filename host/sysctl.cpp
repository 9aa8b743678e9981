#include "host/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "host/fd.h"

namespace burrow::host {
namespace {

std::string path_of(std::string_view key) { return fmt::format("/proc/sys/{}", key); }

Failure failed(std::string_view verb, std::string_view key) {
  return system_failure(errno, fmt::format("{} sysctl \"{}\"", verb, key));
}

}  // namespace

Result<std::string> read_sysctl(std::string_view key) {
  const Fd fd{::open(path_of(key).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd.is_open()) return failed("read", key);
  std::array<char, 256> buffer;
  const auto count = ::read(fd.get(), buffer.data(), buffer.size());
  if (count < 0) return failed("read", key);
  std::string value(buffer.data(), static_cast<size_t>(count));
  while (!value.empty() && value.back() == '\n') value.pop_back();
  return value;
}

Result<void> write_sysctl(std::string_view key, std::string_view value) {
  const Fd fd{::open(path_of(key).c_str(), O_WRONLY | O_CLOEXEC)};
  if (fd.is_open() && ::write(fd.get(), value.data(), value.size()) >= 0) return {};
  const int refused = errno;
  // Where /proc/sys is read-only, the right value may stand there already.
  if (const auto current = read_sysctl(key); current && *current == value) return {};
  errno = refused;
  return failed("set", key);
}

Result<void> Sysctls::write(std::string_view key, std::string_view value) {
  const auto slash = key.rfind('/');
  if (slash == key.npos) return write_sysctl(key, value);
  const auto directory = key.substr(0, slash);
  if (!fd_.is_open() || directory != directory_) {
    fd_ = Fd{::open(path_of(directory).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    directory_ = directory;
  }
  const Fd fd{
      ::openat(fd_.get(), std::string{key.substr(slash + 1)}.c_str(), O_WRONLY | O_CLOEXEC)};
  if (fd.is_open() && ::write(fd.get(), value.data(), value.size()) >= 0) return {};
  return write_sysctl(key, value);  // which knows what can be forgiven, and says what is wrong
}

}  // namespace burrow::host
