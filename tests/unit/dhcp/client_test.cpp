// The conversation with a proxy, held with one that says what the test has it say.
#include "dhcp/client.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "host/local_socket.h"

using namespace burrow;
using namespace burrow::dhcp;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLease =
    R"({"leases":[{"address":"10.5.0.50/24","renew_after":60,"rebind_after":105,"valid_for":120,)"
    R"("routes":[{"destination":"0.0.0.0/0","gateway":"10.5.0.1"}],"dns_servers":["10.5.0.1"],)"
    R"("domains":["lan.example"],"server":"10.5.0.1"}]})";

// A directory of the test's own.
class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "burrow-client-XXXXXX").native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { fs::remove_all(path_); }
  [[nodiscard]] fs::path socket() const { return path_ / "dhcp.sock"; }

 private:
  fs::path path_;
};

// Takes one caller, answers each of its lines with the next of `answers`, then hangs up. An answer
// goes out in pieces, as a socket may give it.
class Proxy {
 public:
  Proxy(const fs::path& path, std::vector<std::string> answers)
      : listener_(*host::listen_local(path)),
        thread_([this, answers = std::move(answers)] { serve(answers); }) {}
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() { join(); }

  // What it was asked, line by line.
  const std::vector<std::string>& asked() {
    join();
    return asked_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  void serve(const std::vector<std::string>& answers) {
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 5000) != 1) return;
    const host::Fd caller{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    for (const auto& answer : answers) {
      std::string line;
      for (char c = 0; ::read(caller.get(), &c, 1) == 1 && c != '\n';) line += c;
      asked_.push_back(line);
      const auto half = answer.size() / 2;
      for (const auto& piece : {answer.substr(0, half), answer.substr(half)}) {
        if (!piece.empty())
          CHECK(::send(caller.get(), piece.data(), piece.size(), MSG_NOSIGNAL) > 0);
      }
    }
  }

  host::Fd listener_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

LeaseRequest request() {
  return {.holder = {*ContainerId::parse("c1"), *LinkName::parse("eth0")},
          .network = *NetworkName::parse("lan"),
          .netns = "/run/netns/c1",
          .families = {Family::ipv4}};
}

std::string line(std::string_view text) { return std::string{text} + "\n"; }

}  // namespace

TEST_CASE("what is asked reaches the proxy, and its leases come back") {
  const Directory directory;
  Proxy proxy{directory.socket(),
              {line(R"({"had_lease":false})"), line(kLease), line(R"({"had_lease":true})"),
               line(R"({"had_lease":true})")}};
  auto client = *Client::connect({directory.socket()});
  CHECK(client.check());
  const auto leases = *client.set_up(request());
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].address == *IpInterface::parse("10.5.0.50/24"));
  CHECK(leases[0].gateway() == *IpAddress::parse("10.5.0.1"));
  CHECK(client.commit());
  CHECK(*client.tear_down(request().holder));
  REQUIRE(proxy.asked().size() == 4);
  CHECK(decode_command(proxy.asked()[0])->index() == Command{Commit{}}.index());
  CHECK(std::get<SetUp>(*decode_command(proxy.asked()[1])).request == request());
  CHECK(std::get<TearDown>(*decode_command(proxy.asked()[3])).holder == request().holder);
}

TEST_CASE("two answers that arrive together are told apart") {
  const Directory directory;
  Proxy proxy{directory.socket(),
              {line(R"({"had_lease":true})") + line(R"({"had_lease":false})"), std::string{}}};
  auto client = *Client::connect({directory.socket()});
  CHECK(*client.tear_down(request().holder));
  CHECK_FALSE(*client.tear_down(request().holder));
}

TEST_CASE("a refusal keeps the proxy's words and kind") {
  const Directory directory;
  const Proxy proxy{directory.socket(), {line(encode_refusal({Errc::timeout, "no server"}))}};
  auto client = *Client::connect({directory.socket()});
  const auto refused = client.set_up(request());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::timeout);
  CHECK(refused.error().message == "no server");
}

TEST_CASE("answers that make no sense are named with the proxy's path") {
  for (const std::string answer :
       {"HTTP/1.1 400 Bad Request\r\n", "null\n", "[]\n", "\n", R"({"leases":[]})",
        R"({"leases":7})", R"({"leases":[{"address":"everywhere"}]})", R"({})"}) {
    CAPTURE(answer);
    const Directory directory;
    const Proxy proxy{directory.socket(), {answer.ends_with('\n') ? answer : line(answer)}};
    auto client = *Client::connect({directory.socket()});
    const auto wrong = client.set_up(request());
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find(directory.socket().native()) != std::string::npos);
  }
}

TEST_CASE("a proxy that hangs up is named, also in the middle of an answer") {
  for (const std::string answer : {"", R"({"leases")"}) {
    CAPTURE(answer);
    const Directory directory;
    const Proxy proxy{directory.socket(), {answer}};
    auto client = *Client::connect({directory.socket()});
    const auto wrong = client.set_up(request());
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find("hung up") != std::string::npos);
    CHECK(wrong.error().message.find(directory.socket().native()) != std::string::npos);
  }
}

TEST_CASE("an answer without end is cut off") {
  const Directory directory;
  const Proxy proxy{directory.socket(), {std::string(kLongestReply + 100'000, 'x')}};
  auto client = *Client::connect({directory.socket()});
  const auto wrong = client.set_up(request());
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("too long") != std::string::npos);
}

TEST_CASE("the first place where somebody listens counts, and without one all are named") {
  const Directory first;
  const Directory second;
  {
    const Proxy proxy{second.socket(), {line(R"({"had_lease":false})")}};
    auto client = *Client::connect({first.socket(), second.socket()});
    CHECK(client.check());
  }
  const auto nobody = Client::connect({first.socket(), second.socket()});
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == Errc::not_found);
  for (const auto& path : {first.socket(), second.socket()}) {
    CHECK(nobody.error().message.find(path.native()) != std::string::npos);
  }
  CHECK(nobody.error().message.find("netavark-dhcp-proxy.socket") != std::string::npos);
}
