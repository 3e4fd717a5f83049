// The one line sink of the command line tools: text or the JSON line that containerd's shim reads
// from --log. One write per line. Library code logs only debug and warnings.
#pragma once

#include <string_view>

#include "base/result.h"

namespace bulkhead::log {

enum class Format { kText, kJson };
enum class Level { kDebug, kInfo, kWarning, kError };

// Directs the log to `path` (created 0600, appended), or to stderr when `path` is empty.
// Errors: the file cannot be opened.
Result<> open(std::string_view path, Format format, bool debug);

void write(Level level, std::string_view message);
inline void debug(std::string_view message) { write(Level::kDebug, message); }
inline void info(std::string_view message) { write(Level::kInfo, message); }
inline void warn(std::string_view message) { write(Level::kWarning, message); }
inline void error(std::string_view message) { write(Level::kError, message); }

// True when log lines go to a file, so that an error should be said on stderr too.
bool to_file();

}  // namespace bulkhead::log
