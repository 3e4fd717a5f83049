// What goes on to the engine and back to the client: heads of our own, with the headers that have a
// meaning there and nothing else of the client's.
#pragma once

#include <string>

#include "guard/request.h"
#include "guard/route.h"
#include "http/message.h"

namespace bulkhead::guard {

// The head for the engine. `body`: as it will be sent.
http::RequestHead engine_head(const Request& request, const Route& route, http::Body body);

// A GET of the guard's own, for facts.
http::RequestHead question_head(std::string_view target);

// The engine's head for the client: without what is about one connection, framed for `out`.
http::ResponseHead client_head(const http::ResponseHead& head, http::Framing out, bool keep_alive);

// The head of a switch to a raw stream, as the engine gave it.
http::ResponseHead upgrade_head(const http::ResponseHead& head);

// {"message": ...} as the engine answers errors.
std::string refusal_response(const Refusal& refusal, bool keep_alive);

// Whether the client's Content-Type is one that the route takes. Refused (400, 415): form types
// above all, whose bodies override the query in the engine.
Verdict<> check_content_type(const http::RequestHead& head, const Route& route);

}  // namespace bulkhead::guard
