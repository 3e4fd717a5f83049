// Times the life of a container as an engine drives it: one process per call (create, start,
// delete), and between them the wait for the container's init, which becomes our child as it
// becomes containerd-shim's (child subreaper). Rows (runtimes) are interleaved: each round runs
// every row once, in rotating order, so that whatever else the machine does falls on all of them
// alike.
//
// It is a small static program and not Python because ru_maxrss of a child starts at the resident
// size of the process that spawned it: exec keeps the high-water mark of the address space it
// leaves.
//
// usage: bench_driver JOB      JOB is text, fields separated by tabs, %n is the round's number:
//   rounds  WARMUP  MEASURED          log  FILE (stdout and stderr of the calls)
//   row     NAME                      then its steps, in order:
//   call    LABEL  ARGV...            a process that must end with status 0
//   wait    LABEL  PIDFILE            until the process named there has ended
// prints  NAME <tab> ROUND <tab> LABEL <tab> MICROSECONDS <tab> MAXRSS_KB,  LABEL "total" for the
// whole round.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace {

struct Step {
  bool is_wait;
  std::string label;
  std::vector<std::string> arguments;
};

struct Row {
  std::string name;
  std::vector<Step> steps;
};

struct Job {
  int warmup = 0;
  int measured = 0;
  std::string log;
  std::vector<Row> rows;
};

struct Sample {
  double microseconds;
  long maxrss_kb;
};

[[noreturn]] void die(const std::string& what, int error = 0) {
  fprintf(stderr, "bench_driver: %s%s%s\n", what.c_str(), error ? ": " : "",
          error ? strerror(error) : "");
  exit(2);
}

double now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

std::vector<std::string> split_tabs(const std::string& line) {
  std::vector<std::string> fields(1);
  for (char c : line) {
    if (c == '\t') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

void read_line(Job& job, const std::vector<std::string>& fields) {
  const std::string& kind = fields[0];
  if (kind == "rounds" && fields.size() == 3) {
    job.warmup = atoi(fields[1].c_str());
    job.measured = atoi(fields[2].c_str());
  } else if (kind == "log" && fields.size() == 2) {
    job.log = fields[1];
  } else if (kind == "row" && fields.size() == 2) {
    job.rows.push_back({fields[1], {}});
  } else if ((kind == "call" || kind == "wait") && fields.size() > 2 && !job.rows.empty()) {
    job.rows.back().steps.push_back(
        {kind == "wait", fields[1], {fields.begin() + 2, fields.end()}});
  } else {
    die("job: cannot read line '" + kind + "'");
  }
}

Job read_job(const char* path) {
  FILE* file = fopen(path, "re");
  if (!file) die(path, errno);
  Job job;
  char* line = nullptr;
  size_t capacity = 0;
  ssize_t length;
  while ((length = getline(&line, &capacity, file)) > 0) {
    if (line[length - 1] == '\n') line[--length] = 0;
    if (length > 0) read_line(job, split_tabs(std::string(line, static_cast<size_t>(length))));
  }
  free(line);
  fclose(file);
  return job;
}

std::string with_round(std::string text, int round) {
  for (size_t at; (at = text.find("%n")) != std::string::npos;) {
    text.replace(at, 2, std::to_string(round));
  }
  return text;
}

// One process with the log as stdout and stderr and our (empty) stdin; ends the bench when it
// fails.
Sample call(const Job& job, const Row& row, const Step& step, int round, int log_fd) {
  std::vector<std::string> texts;
  for (const std::string& argument : step.arguments) texts.push_back(with_round(argument, round));
  std::vector<char*> argv;
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, log_fd, 1);
  posix_spawn_file_actions_adddup2(&actions, log_fd, 2);
  double start = now_us();
  pid_t pid;
  int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  if (error) die(texts[0], error);
  int status;
  rusage usage;
  if (wait4(pid, &status, 0, &usage) != pid) die("wait4", errno);
  double end = now_us();
  posix_spawn_file_actions_destroy(&actions);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    die(row.name + ": " + step.label + " failed in round " + std::to_string(round) + " (status " +
        std::to_string(status) + "), see " + job.log);
  }
  return {end - start, usage.ru_maxrss};
}

Sample wait_for_init(const Row& row, const Step& step, int round) {
  std::string path = with_round(step.arguments[0], round);
  double start = now_us();
  FILE* file = fopen(path.c_str(), "re");
  if (!file) die(row.name + ": " + path, errno);
  int pid = 0;
  if (fscanf(file, "%d", &pid) != 1 || pid <= 0) die(row.name + ": no pid in " + path);
  fclose(file);
  int status;
  if (waitpid(pid, &status, 0) != pid)
    die(row.name + ": wait for init " + std::to_string(pid), errno);
  if (status != 0) die(row.name + ": the container ended with status " + std::to_string(status));
  return {now_us() - start, 0};
}

// The high-water mark of this address space; ru_maxrss would still show that of the program before
// exec.
long own_peak_kb() {
  char line[128];
  long kb = 0;
  FILE* file = fopen("/proc/self/status", "re");
  while (file && fgets(line, sizeof line, file)) {
    if (sscanf(line, "VmHWM: %ld", &kb) == 1) break;
  }
  if (file) fclose(file);
  return kb;
}

void run_row(const Job& job, const Row& row, int round, int log_fd) {
  std::vector<Sample> samples;
  double start = now_us();
  for (const Step& step : row.steps) {
    samples.push_back(step.is_wait ? wait_for_init(row, step, round)
                                   : call(job, row, step, round, log_fd));
  }
  double total = now_us() - start;
  while (waitpid(-1, nullptr, WNOHANG) > 0) {  // helpers of the runtime that have ended meanwhile
  }
  if (round < job.warmup) return;
  long peak = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    printf("%s\t%d\t%s\t%.1f\t%ld\n", row.name.c_str(), round, row.steps[i].label.c_str(),
           samples[i].microseconds, samples[i].maxrss_kb);
    peak = samples[i].maxrss_kb > peak ? samples[i].maxrss_kb : peak;
  }
  printf("%s\t%d\ttotal\t%.1f\t%ld\n", row.name.c_str(), round, total, peak);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) die("usage: bench_driver JOB");
  Job job = read_job(argv[1]);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) die("prctl", errno);
  int log_fd = open(job.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) die(job.log, errno);
  for (int round = 0; round < job.warmup + job.measured; ++round) {
    for (size_t i = 0; i < job.rows.size(); ++i) {
      run_row(job, job.rows[(i + static_cast<size_t>(round)) % job.rows.size()], round, log_fd);
    }
  }
  printf("driver\t0\ttotal\t0\t%ld\n", own_peak_kb());
  return 0;
}
