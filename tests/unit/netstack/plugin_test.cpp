#include "netstack/plugin.h"

#include <doctest/doctest.h>

#include "../../support/netstack_examples.h"
#include "netstack/plugin_answers.h"
#include "netstack/step_json.h"

using namespace burrow;
using namespace burrow::netstack;

namespace {

// The example's network, but of a plugin.
SetupRequest request() {
  auto text = examples::request_text();
  const std::string_view driver = R"("driver":"bridge")";
  text.replace(text.find(driver), driver.size(), R"("driver":"wire")");
  return *decode_setup_request(text);
}

Settings settings() {
  auto settings = examples::settings();
  settings.plugins["wire"] = "/usr/lib/plugins/wire";
  return settings;
}

constexpr std::string_view kAnswer =
    R"({"dns_search_domains":null,"dns_server_ips":null,"interfaces":{"eth0":{"mac_address":"02:00:00:00:00:01","subnets":[]}}})";

}  // namespace

TEST_CASE("a driver's name is never a path") {
  CHECK(PluginName::parse("host-device"));
  CHECK(PluginName::parse("my_driver.2"));
  for (const auto* text : {"", ".", "..", "a/b", "/a", "../a", "-a", ".a", "a b", "a\n"}) {
    CAPTURE(text);
    CHECK_FALSE(PluginName::parse(text));
  }
  CHECK_FALSE(PluginName::parse(std::string(65, 'a')));
  CHECK(parse_plugin_path("/usr/lib/plugins/wire"));
  for (const auto* text : {"wire", "", "/", "/usr/..", "/usr/.hidden", "/usr/a b"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_plugin_path(text));
  }
}

TEST_CASE("a plugin's attachment is one step, and its teardown is told the same") {
  const auto asked = request();
  const auto planned = plan_setup(asked, examples::empty_host(asked), settings());
  REQUIRE(planned);
  CHECK(planned->plan.steps == Steps{StartLoopback{}});
  REQUIRE(planned->plan.errands.size() == 1);
  const auto& step = std::get<SetUpPlugin>(planned->plan.errands[0]);
  CHECK(step.call.program == "/usr/lib/plugins/wire");
  CHECK(step.call.name() == "wire");
  CHECK(step.call.netns == "/run/netns/c");
  CHECK(planned->statuses.empty());
  REQUIRE(planned->plan.changes.size() == 1);  // no network, no host: those are the plugin's
  CHECK(std::get<TearDownPlugin>(*inverse(step)).call == step.call);
}

TEST_CASE("a driver that nobody has is refused before anything is planned") {
  const auto asked = request();
  const auto planned = plan_setup(asked, examples::empty_host(asked), examples::settings());
  REQUIRE_FALSE(planned);
  CHECK(planned.error().code == Errc::unsupported);
  CHECK(planned.error().message.find("\"wire\"") != std::string::npos);
}

TEST_CASE("answers are remembered in the record of their attachment, and read back") {
  const auto asked = request();
  const auto planned = *plan_setup(asked, examples::empty_host(asked), settings());
  const PluginAnswers answers{{asked.attachments[0].network.name, std::string{kAnswer}}};
  const auto changes = with_answers(planned.plan.changes, answers);
  const auto record = *decode_attachment_record(*changes[0].after);
  CHECK(std::get<SetUpPlugin>(record.steps[0]).answer == kAnswer);
  CHECK(answer_text(asked, planned.statuses, answers) ==
        "{\"front\":" + std::string{kAnswer} + "}");
  for (const auto& step : {Step{record.steps[0]}, *inverse(record.steps[0])}) {
    const auto json = encode(step);
    const auto back = decode_step(JsonCursor{json});
    REQUIRE(back);
    CHECK(*back == step);
  }
}

TEST_CASE("an answer that an engine would stumble over is refused with its place") {
  CHECK(*checked_plugin_answer(R"({"interfaces":{"eth0":{"mac_address":"2:0:0:0:0:1"}},"x":1})") ==
        kAnswer);
  for (const auto& [text, place] : std::initializer_list<std::pair<const char*, const char*>>{
           {"[]", "object"},
           {R"({"interfaces":{"eth0":{}}})", "interfaces.eth0"},
           {R"({"interfaces":{"e/0":{"mac_address":"02:00:00:00:00:01"}}})", "e/0"},
           {R"({"dns_server_ips":["x"]})", "dns_server_ips[0]"},
           {R"({"dns_search_domains":"x"})", "dns_search_domains"}}) {
    CAPTURE(text);
    const auto answer = checked_plugin_answer(text);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().message.find(place) != std::string::npos);
  }
}
