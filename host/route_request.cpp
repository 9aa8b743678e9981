#include "host/route_request.h"

#include <netlink/handlers.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include <algorithm>
#include <utility>

namespace burrow::host {
namespace {

// What a request collected: the kernel's verdict and where to put its answers.
struct Exchange {
  std::function<void(nlmsghdr*)> on_message;
  std::function<bool()> has_enough;  // ends the reading early; the socket is of no use then
  bool is_done = false;
  bool was_interrupted = false;
  int error = 0;
  std::string explanation;
};

int on_valid(nl_msg* message, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  if (exchange.on_message) exchange.on_message(nlmsg_hdr(message));
  if (exchange.has_enough && exchange.has_enough()) {
    exchange.is_done = true;
    return NL_STOP;
  }
  return NL_OK;
}

int on_end(nl_msg* /*message*/, void* argument) {
  static_cast<Exchange*>(argument)->is_done = true;
  return NL_STOP;
}

// A dump ends with its verdict: zero, or the errno that cut it short, negative.
int on_finish(nl_msg* message, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  exchange.is_done = true;
  const auto* header = nlmsg_hdr(message);
  if (nlmsg_datalen(header) >= static_cast<int>(sizeof(int))) {
    int verdict = 0;
    std::memcpy(&verdict, nlmsg_data(header), sizeof verdict);
    if (verdict < 0) exchange.error = -verdict;
  }
  return NL_STOP;
}

int on_interrupted(nl_msg* /*message*/, void* argument) {
  static_cast<Exchange*>(argument)->was_interrupted = true;
  return NL_OK;
}

int on_error(sockaddr_nl* /*from*/, nlmsgerr* error, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  exchange.is_done = true;
  exchange.error = -error->error;
  // The kernel's own words follow the error when it has any (NETLINK_EXT_ACK).
  auto* header = reinterpret_cast<nlmsghdr*>(error) - 1;
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
    size_t offset = sizeof(nlmsgerr);
    if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) {
      offset += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(nlmsghdr);
    }
    const int length =
        static_cast<int>(header->nlmsg_len - NLMSG_HDRLEN) - static_cast<int>(offset);
    auto* first = reinterpret_cast<nlattr*>(reinterpret_cast<char*>(error) + offset);
    if (length > 0) {
      if (const auto* text = nla_find(first, length, NLMSGERR_ATTR_MSG)) {
        exchange.explanation.assign(static_cast<const char*>(nla_data(text)),
                                    static_cast<size_t>(std::max(0, nla_len(text) - 1)));
      }
    }
  }
  return NL_STOP;
}

struct FreeCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

}  // namespace

Result<void> RouteRequest::send(nl_sock* socket, const std::string& what,
                                std::function<void(nlmsghdr*)> on_message,
                                std::function<bool()> has_enough) {
  if (!is_whole_) return fail(Errc::system, "{}: out of memory, or message too long", what);
  const std::unique_ptr<nl_cb, FreeCallbacks> callbacks{nl_cb_alloc(NL_CB_DEFAULT)};
  if (!callbacks) return fail(Errc::system, "{}: out of memory", what);
  Exchange exchange{.on_message = std::move(on_message), .has_enough = std::move(has_enough)};
  nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
  nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
  nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &exchange);
  nl_cb_set(callbacks.get(), NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, &exchange);
  nl_cb_err(callbacks.get(), NL_CB_CUSTOM, on_error, &exchange);

  if (const int sent = nl_send_auto(socket, message_.get()); sent < 0) {
    return fail(Errc::system, "{}: {}", what, nl_geterror(sent));
  }
  while (!exchange.is_done) {
    const int received = nl_recvmsgs(socket, callbacks.get());
    if (received < 0 && !exchange.is_done && received != -NLE_DUMP_INTR) {
      return fail(Errc::system, "{}: {}", what, nl_geterror(received));
    }
  }
  if (exchange.error != 0) {
    auto failure = system_failure(exchange.error, what);
    if (!exchange.explanation.empty()) {
      failure.value().message += fmt::format(": {}", exchange.explanation);
    }
    return failure;
  }
  if (exchange.was_interrupted) return fail(Errc::changed, "{}: changed meanwhile", what);
  return {};
}

}  // namespace burrow::host
