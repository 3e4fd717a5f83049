// JSON bodies of POST /containers/create: a body that is taken stays as it is when it is brought into
// shape again, and whatever is forwarded names our runtime and nothing of the host's.
#include <string>
#include <string_view>

#include "fuzz.h"
#include "guard/endpoints/endpoints.h"
#include "json/serialize.h"

namespace {

using namespace bulkhead;

class NoFiles : public guard::HostFiles {
 public:
  guard::HostFile look(std::string_view path) const override { return {std::string(path), std::nullopt}; }
};

const guard::Environment& environment() {
  static const NoFiles files;
  static const guard::Environment all = [] {
    guard::Environment e;
    e.policy = std::make_shared<policy::Policy>(policy::default_policy());
    e.state_directory = "/var/lib/bulkhead/guard";
    e.runtime = "bulkhead";
    e.sockets = {"/run/docker.sock"};
    e.host = &files;
    return e;
  }();
  return all;
}

void check_forwarded(const json::Value& body) {
  const auto& host_config = body.get_object().at("HostConfig").get_object();
  FUZZ_CHECK(guard::text_of(host_config, "Runtime") == "bulkhead");
  FUZZ_CHECK(!host_config.contains("UsernsMode"));
  for (const char* mode : {"PidMode", "IpcMode", "UTSMode", "NetworkMode"})
    FUZZ_CHECK(guard::text_of(host_config, mode) != "host");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16384) return 0;
  auto value = json::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) return 0;
  std::vector<std::string> dropped;
  auto body = guard::into_shape(*value, guard::kCreateShape, dropped);
  if (!body) return 0;
  auto text = json::serialize(*body);
  dropped.clear();
  auto again = guard::into_shape(*json::parse(text), guard::kCreateShape, dropped);
  FUZZ_CHECK(again && json::serialize(*again) == text && dropped.empty());
  guard::Request request;
  request.body = std::move(*body);
  guard::Facts facts(environment());
  for (int i = 0; i < 64; ++i) {
    auto verdict = guard::decide_create(request, facts);
    if (verdict) check_forwarded(*json::parse(json::serialize(request.body)));
    if (verdict || verdict.error().status != 0 || facts.wanted().question) return 0;
    if (!facts.answer(guard::Fact{404, nullptr})) return 0;
  }
  return 0;
}
