#include <gtest/gtest.h>

#include "guard/audit.h"
#include "guard/forward.h"

namespace bulkhead::guard {
namespace {

TEST(GuardAudit, OneLineWithoutSecrets) {
  Request request;
  request.method = "POST";
  request.target = *parse_target("/build?t=a&buildargs=%7B%22TOKEN%22%3A%22s3cret%22%7D&remote=https://u:s3cret@h/x");
  request.headers.add("X-Registry-Auth", "s3cret");
  Verdict<> verdict = refuse("build-network", "no\nnewline");
  auto line = audit_line("T", {"/run/docker.sock", 1000, 7, nullptr}, request, "/build", verdict);
  EXPECT_EQ(line.find("s3cret"), std::string::npos) << line;
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  EXPECT_NE(line.find(R"("verdict":"refuse","rule":"build-network")"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("uid":1000)"), std::string::npos);
}

TEST(GuardForward, OnlyHeadersWithAMeaning) {
  Request request;
  request.method = "GET";
  request.target = *parse_target("/containers/json");
  for (auto [name, value] : {std::pair{"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "x"},
                             {"X-Forwarded-For", "1"}, {"User-Agent", "Docker-Client"}, {"Transfer-Encoding", "chunked"}})
    request.headers.add(name, value);
  Route route{"GET", "/containers/json"};
  EXPECT_EQ(http::write_request(engine_head(request, route, {})),
            "GET /containers/json HTTP/1.1\r\nHost: docker\r\nUser-Agent: Docker-Client\r\n\r\n");
  Route attach{"POST", "/containers/{id}/attach", Kind::kHijack};
  EXPECT_NE(http::write_request(engine_head(request, attach, {})).find("Upgrade: tcp\r\n"), std::string::npos);
}

TEST(GuardForward, ClientsAreOfferedNoNewerVersion) {
  for (auto [engine, offered] : {std::pair{"1.41", "1.41"}, {"1.56", "1.56"}, {"1.57", "1.56"}, {"1.9999", "1.56"}}) {
    http::ResponseHead head{200, "OK", {}, {}};
    head.headers.add("Api-Version", engine);
    EXPECT_EQ(client_head(head, http::Framing::kNone, true).headers.get("api-version"), offered);
  }
}

// Go takes a form body's values before the query's.
TEST(GuardForward, FormsAreRefused) {
  Route build{"POST", "/build", Kind::kStream};
  for (std::string_view type : {"application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x", "text/html"}) {
    http::RequestHead head{"POST", "/build", {}, {http::Framing::kChunked, 0}};
    head.headers.add("Content-Type", type);
    EXPECT_FALSE(check_content_type(head, build)) << type;
  }
}

}  // namespace
}  // namespace bulkhead::guard
