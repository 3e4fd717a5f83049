// Boost's serializer may throw for want of memory only: then the process ends, as for any allocation.
#include "json/serialize.h"

#include <boost/json/serialize.hpp>

namespace bulkhead::json {

std::string serialize(const Value& value) { return boost::json::serialize(value); }

}  // namespace bulkhead::json
