#include "engine/store.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>

using namespace burrow;
using namespace burrow::engine;

namespace {

// A store in a directory of its own.
class Tree {
 public:
  Tree() {
    std::string name = (fs::temp_directory_path() / "burrow-store.XXXXXX").native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() { fs::remove_all(root_); }

  [[nodiscard]] Store open(std::string_view boot = "boot 1") const {
    auto store = Store::open(directories(), boot);
    REQUIRE(store);
    return *std::move(store);
  }
  [[nodiscard]] Directories directories() const { return Directories::under(root_); }

 private:
  fs::path root_;
};

ContainerId id(char letter) { return ContainerId::parse(std::string(64, letter)).value(); }

Container container(char letter, std::vector<std::string> networks) {
  Container result{.id = id(letter),
                   .name = ContainerName::parse(fmt::format("c{}", letter)).value()};
  result.spec.command = {"true"};
  int number = 0;
  for (const auto& name : networks) {
    result.attachments.push_back(
        {.network = NetworkName::parse(name).value(),
         .interface = LinkName::parse(fmt::format("eth{}", number++)).value()});
  }
  return result;
}

netstack::Network network(const std::string& name, const std::string& subnet) {
  netstack::Network result{.name = NetworkName::parse(name).value(), .driver = "bridge"};
  result.subnets.push_back({.network = IpNetwork::parse(subnet).value()});
  result.subnets[0].gateway = result.subnets[0].network.address().next();
  return result;
}

std::string lease_of(Store& store, char letter, size_t attachment = 0) {
  const auto found = store.find(id(letter)).value();
  REQUIRE(found);
  const auto& leases = found->attachments.at(attachment).leases;
  return leases.empty() ? "none" : leases[0].to_string();
}

}  // namespace

TEST_CASE("a container reads back with its attachments in the order given") {
  const Tree tree;
  {
    auto store = tree.open();
    REQUIRE(store.insert(container('a', {"z", "b"})));
  }
  auto store = tree.open();
  CHECK_FALSE(store.rebooted());
  const auto all = store.containers().value();
  REQUIRE(all.size() == 1);
  CHECK(all[0].name.str() == "ca");
  CHECK(all[0].attachments[0].network.str() == "z");
  CHECK(all[0].attachments[1].interface.str() == "eth1");
}

TEST_CASE("a container is found by name, identifier and its unique start") {
  const Tree tree;
  auto store = tree.open();
  REQUIRE(store.insert(container('a', {})));
  REQUIRE(store.insert(container('b', {})));
  CHECK(store.get("ca")->id == id('a'));
  CHECK(store.get(id('b').str())->id == id('b'));
  CHECK(store.get("bbb")->id == id('b'));
  CHECK(store.get("x").error().code == Errc::not_found);
  CHECK(store.get("").error().code == Errc::not_found);
  CHECK(store.get("'; DROP TABLE containers; --").error().code == Errc::not_found);
}

TEST_CASE("a taken name is refused, naming the holder") {
  const Tree tree;
  auto store = tree.open();
  REQUIRE(store.insert(container('a', {})));
  auto again = container('b', {});
  again.name = ContainerName::parse("ca").value();
  const auto refused = store.insert(again);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::already_exists);
  CHECK(refused.error().message.find("aaaaaaaaaaaa") != std::string::npos);
}

TEST_CASE("addresses go round, come back at the end and are never given twice") {
  const Tree tree;
  auto store = tree.open();
  const auto front = network("front", "10.0.0.0/29");
  for (const char letter : {'a', 'b', 'c'}) {
    REQUIRE(store.insert(container(letter, {"front"})));
    REQUIRE(store.lease(id(letter), {front}));
  }
  CHECK(lease_of(store, 'a') == "10.0.0.2");
  CHECK(lease_of(store, 'c') == "10.0.0.4");
  REQUIRE(store.lease(id('a'), {front}));
  CHECK(lease_of(store, 'a') == "10.0.0.2");
  REQUIRE(store.set_exited(id('a'), 0, 1));
  CHECK(lease_of(store, 'a') == "none");
  REQUIRE(store.lease(id('a'), {front}));
  CHECK(lease_of(store, 'a') == "10.0.0.5");
  REQUIRE(store.remove(id('b')));
  REQUIRE(store.detach(id('c'), front.name));
  for (const char letter : {'d', 'e', 'f', '1'}) {
    REQUIRE(store.insert(container(letter, {"front"})));
  }
  REQUIRE(store.lease(id('d'), {front}));
  REQUIRE(store.lease(id('e'), {front}));
  CHECK(lease_of(store, 'd') == "10.0.0.6");
  CHECK(lease_of(store, 'e') == "10.0.0.2");
}

TEST_CASE("a lease that fails on one network gives none on any") {
  const Tree tree;
  auto store = tree.open();
  const auto tiny = network("tiny", "10.1.0.0/30");
  const auto front = network("front", "10.0.0.0/24");
  REQUIRE(store.insert(container('a', {"tiny"})));
  REQUIRE(store.insert(container('b', {"front", "tiny"})));
  REQUIRE(store.lease(id('a'), {tiny}));
  const auto full = store.lease(id('b'), {front, tiny});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::exhausted);
  CHECK(full.error().message.find("10.1.0.1 - 10.1.0.2") != std::string::npos);
  CHECK(lease_of(store, 'b') == "none");
}

TEST_CASE("requested addresses are checked against their subnet and their holder") {
  const Tree tree;
  auto store = tree.open();
  const auto front = network("front", "10.0.0.0/24");
  const auto ask = [&](char letter, const char* address) {
    auto wanted = container(letter, {"front"});
    wanted.attachments[0].requested_addresses = {IpAddress::parse(address).value()};
    REQUIRE(store.insert(wanted));
    return store.lease(id(letter), {front});
  };
  CHECK(ask('a', "10.0.0.77"));
  CHECK(lease_of(store, 'a') == "10.0.0.77");
  CHECK(ask('b', "10.0.0.77").error().message.find("container \"ca\"") != std::string::npos);
  CHECK(ask('c', "10.0.0.1").error().code == Errc::invalid_input);
  CHECK(ask('d', "10.0.0.0").error().code == Errc::invalid_input);
  CHECK(ask('e', "10.0.0.255").error().code == Errc::invalid_input);
  CHECK(ask('f', "10.0.1.5").error().message ==
        "requested static ip 10.0.1.5 not in any subnet on network front");
}

TEST_CASE("after a reboot nothing runs, no address is held and --rm containers are gone") {
  const Tree tree;
  const auto front = network("front", "10.0.0.0/24");
  {
    auto store = tree.open("boot 1");
    auto passing = container('b', {"front"});
    passing.spec.removes_itself = true;
    REQUIRE(store.insert(container('a', {"front"})));
    REQUIRE(store.insert(passing));
    REQUIRE(store.lease(id('a'), {front}));
    REQUIRE(store.set_running(id('a'), {.pid = 7, .start_ticks = 8}, 100));
    REQUIRE(store.set_status(id('a'), front.name, "{}"));
  }
  auto store = tree.open("boot 2");
  CHECK(store.rebooted());
  const auto all = store.containers().value();
  REQUIRE(all.size() == 1);
  CHECK(all[0].state == ContainerState::exited);
  CHECK_FALSE(all[0].process);
  CHECK_FALSE(all[0].exit_code);
  CHECK(all[0].attachments[0].leases.empty());
  CHECK(all[0].attachments[0].status.empty());
  CHECK_FALSE(tree.open("boot 2").rebooted());
}

TEST_CASE("a store of a newer release and a file that is none are refused") {
  const Tree tree;
  (void)tree.open();
  {
    auto database = Database::open(tree.directories().store());
    REQUIRE(database);
    REQUIRE(database->run_script("PRAGMA user_version = 99"));
  }
  CHECK(Store::open(tree.directories(), "b").error().code == Errc::unsupported);
  fs::remove(tree.directories().store());
  fs::create_directory(tree.directories().store());
  CHECK_FALSE(Store::open(tree.directories(), "b"));
}

TEST_CASE("a network knows its users, running or not") {
  const Tree tree;
  auto store = tree.open();
  REQUIRE(store.insert(container('b', {"front"})));
  REQUIRE(store.insert(container('a', {"back", "front"})));
  CHECK(store.users_of(NetworkName::parse("front").value()).value() ==
        std::vector<std::string>{"ca", "cb"});
  const Attachment twice{.network = NetworkName::parse("front").value(),
                         .interface = LinkName::parse("eth9").value()};
  CHECK(store.attach(id('a'), twice).error().code == Errc::already_exists);
}
