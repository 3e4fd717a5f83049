// state, list, events.
#include <stdio.h>
#include <unistd.h>

#include "base/strings.h"
#include "json/write.h"
#include "runtime/command.h"
#include "runtime/events.h"
#include "runtime/hooks.h"
#include "runtime/lifecycle.h"

namespace bulkhead::runtime {
namespace {

constexpr cli::Option kListOptions[] = {
    {"format", 'f', "FORMAT", "table (default) or json"},
    {"quiet", 'q', nullptr, "ids only"},
};
constexpr cli::Option kEventsOptions[] = {
    {"stats", 0, nullptr, "print the numbers once and end"},
    {"interval", 0, "DURATION", "between two prints (default 5s)"},
};

void print(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

Result<int> run_state(Context& context, const cli::Parsed& parsed) {
  auto container = TRY(load(context, parsed.arguments[0]));
  Status status = TRY(status_of(container.entry, container.state));
  auto config = TRY(container.entry.config());
  print(oci_state(container.state, name(status), config.annotations, true) + "\n");
  return 0;
}

struct Row {
  State state;
  std::string status;
};

Result<std::vector<Row>> rows(const Context& context) {
  std::vector<Row> rows;
  for (const auto& id : TRY(context.store.ids())) {
    auto container = load(context, id);
    if (!container) continue;  // deleted meanwhile, or half made: `delete --force` takes it
    auto status = status_of(container->entry, container->state);
    rows.push_back({container->state, status ? name(*status) : "unknown"});
  }
  return rows;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 3, width), ' ');
  return text;
}

Result<int> run_list(Context& context, const cli::Parsed& parsed) {
  auto all = TRY(rows(context));
  std::string format = parsed.get("format");
  if (parsed.has("quiet")) {
    for (const auto& row : all) print(row.state.id + "\n");
    return 0;
  }
  auto pid_of = [](const Row& row) { return row.status == "stopped" ? 0 : row.state.pid; };
  if (format == "json") {
    json::Writer out;
    out.begin_array();
    for (const auto& row : all)
      out.begin_object()
          .field("ociVersion", "1.2.0")
          .field("id", row.state.id)
          .field("pid", pid_of(row))
          .field("status", row.status)
          .field("bundle", row.state.bundle)
          .field("rootfs", row.state.rootfs)
          .field("created", row.state.created)
          .field("owner", "root")
          .end_object();
    out.end_array();
    print(std::move(out).take() + "\n");
    return 0;
  }
  if (!format.empty() && format != "table") return fail(cat("--format ", format, ": must be table or json"));
  std::size_t id_width = 12, bundle_width = 12;
  for (const auto& row : all) {
    id_width = std::max(id_width, row.state.id.size() + 3);
    bundle_width = std::max(bundle_width, row.state.bundle.size() + 3);
  }
  print(cat(padded("ID", id_width), padded("PID", 12), padded("STATUS", 12), padded("BUNDLE", bundle_width),
            padded("CREATED", 33), "OWNER\n"));
  for (const auto& row : all)
    print(cat(padded(row.state.id, id_width), padded(std::to_string(pid_of(row)), 12), padded(row.status, 12),
              padded(row.state.bundle, bundle_width), padded(row.state.created, 33), "root\n"));
  return 0;
}

// "5s", "500ms", "1m": Go's durations as far as people write them; milliseconds.
Result<int> parse_interval(const std::string& text) {
  if (text.empty()) return 5000;
  std::string_view digits = text;
  int factor = 1000;
  if (digits.ends_with("ms")) {
    factor = 1;
    digits.remove_suffix(2);
  } else if (digits.ends_with("s")) {
    digits.remove_suffix(1);
  } else if (digits.ends_with("m")) {
    factor = 60000;
    digits.remove_suffix(1);
  }
  auto value = parse_decimal<int>(digits);
  if (!value || *value <= 0 || *value > 86400) return fail(cat("--interval ", text, ": must be like 5s"));
  return *value * factor;
}

Result<int> run_events(Context& context, const cli::Parsed& parsed) {
  auto container = TRY(load(context, parsed.arguments[0]));
  auto manager = TRY(cgroup::make_manager(container.state.cgroup));
  if (parsed.has("stats")) {
    print(stats_event(container.state.id, TRY(manager->stats())) + "\n");
    return 0;
  }
  return follow_events(container.state, *manager, TRY(parse_interval(parsed.get("interval"))));
}

constexpr Command kCommands[] = {
    {"state", "CONTAINER", 1, 1, "print the state as JSON", {}, run_state},
    {"list", "", 0, 0, "list containers", kListOptions, run_list},
    {"events", "CONTAINER", 1, 1, "print resource numbers and out-of-memory events", kEventsOptions, run_events},
};

}  // namespace

std::span<const Command> query_commands() { return kCommands; }

}  // namespace bulkhead::runtime
