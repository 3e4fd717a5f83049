// Boost.JSON's own code, compiled here instead of linking libboost_json.a: with our hardening and
// sanitizer flags, and sections that the linker can drop (some 90 KB less in a static binary).
#include <boost/json/src.hpp>
