#include "base/log.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "base/unique_fd.h"

namespace bulkhead::log {
namespace {

struct Sink {
  UniqueFd file;
  Format format = Format::kText;
  bool debug = false;
};
Sink sink;

const char* name(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarning: return "warning";
    case Level::kError: return "error";
  }
  return "error";
}

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char text[40];
  std::size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text, size};
}

// Quotes for both formats: logrus text and JSON share these escapes. Bytes that are not ASCII
// pass through when they come as UTF-8 from the caller; control bytes never do.
void append_quoted(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += static_cast<char>(c);
    }
  }
  out += '"';
}

}  // namespace

Result<> open(std::string_view path, Format format, bool debug) {
  sink.format = format;
  sink.debug = debug;
  if (path.empty()) return {};
  UniqueFd file(::open(std::string(path).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file) return fail_errno(std::string("open log file ").append(path));
  sink.file = std::move(file);
  return {};
}

bool to_file() { return static_cast<bool>(sink.file); }

void write(Level level, std::string_view message) {
  if (level == Level::kDebug && !sink.debug) return;
  std::string line;
  if (sink.format == Format::kJson) {
    line.append("{\"level\":\"").append(name(level)).append("\",\"msg\":");
    append_quoted(line, message);
    line.append(",\"time\":\"").append(timestamp()).append("\"}\n");
  } else {
    line.append("time=\"").append(timestamp()).append("\" level=").append(name(level));
    line.append(" msg=");
    append_quoted(line, message);
    line += '\n';
  }
  int fd = sink.file ? sink.file.get() : STDERR_FILENO;
  [[maybe_unused]] auto written = ::write(fd, line.data(), line.size());
}

}  // namespace bulkhead::log
