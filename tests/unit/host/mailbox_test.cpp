#include "host/mailbox.h"

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

namespace burrow::host {
namespace {

TEST_CASE("what several threads post runs on the loop's thread, of each in its order") {
  constexpr size_t kThreads = 4;
  constexpr int kPosts = 2000;
  EventLoop loop;
  Mailbox mailbox{loop};
  std::array<std::vector<int>, kThreads> seen;
  size_t on_other_threads = 0;
  size_t ended = 0;
  const auto here = std::this_thread::get_id();
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        mailbox.post([&, thread, i] {
          seen[thread].push_back(i);
          if (std::this_thread::get_id() != here) ++on_other_threads;
        });
      }
      mailbox.post([&] {
        if (++ended == kThreads) loop.stop();
      });
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  CHECK(on_other_threads == 0);
  for (const auto& each : seen) {
    REQUIRE(each.size() == kPosts);
    for (int i = 0; i < kPosts; ++i) CHECK(each[static_cast<size_t>(i)] == i);
  }
}

TEST_CASE("work may post more work, which runs after it") {
  EventLoop loop;
  Mailbox mailbox{loop};
  std::vector<int> order;
  mailbox.post([&] {
    mailbox.post([&] {
      order.push_back(2);
      loop.stop();
    });
    order.push_back(1);
  });
  loop.run();
  CHECK(order == std::vector{1, 2});
}

}  // namespace
}  // namespace burrow::host
