#include "keeper/host_view.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include <memory>

#include "base/strings.h"
#include "keeper/confine.h"
#include "keeper/view.h"
#include "sys/file.h"

// libfuse's dispatcher refers to its character device side, which brings in its high-level API,
// iconv and dlopen (400 KB). No request of a file system gets there.
extern "C" void cuse_lowlevel_init(fuse_req_t req, fuse_ino_t, const void*) {
  fuse_reply_err(req, ENOSYS);
}

namespace bulkhead::keeper {
namespace {

constexpr sys::CapabilityMask bit(unsigned number) { return sys::CapabilityMask{1} << number; }

// Files of any owner, any owner and mode for them, set-id bits and file capabilities, nodes, and
// the ids to create under. Without CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH (file handles) and the rest.
constexpr sys::CapabilityMask kKept = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER) |
                                      bit(CAP_FSETID) | bit(CAP_SETGID) | bit(CAP_SETUID) |
                                      bit(CAP_MKNOD) | bit(CAP_SETFCAP);

using Session = std::unique_ptr<fuse_session, void (*)(fuse_session*)>;

// What the kernel is asked for. Left out of libfuse's defaults: HANDLE_KILLPRIV (the kernel knows
// better who may keep set-id bits), splicing (three calls and a pipe for what read and write do at
// once). DONT_MASK: a default ACL takes the place of the umask, which only the overlay can tell.
void init(void*, fuse_conn_info* connection) {
  connection->want &= ~unsigned{FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_SPLICE_READ |
                                FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE};
  connection->want |= connection->capable & FUSE_CAP_DONT_MASK;
  connection->max_write = View::kBufferBytes;
  connection->max_readahead = View::kBufferBytes;
}

Result<Session> make_session(BorrowedFd fuse, View& view) {
  fuse_lowlevel_ops ops{};
  ops.init = init;
  add_name_operations(ops);
  add_attribute_operations(ops);
  add_file_operations(ops);
  add_directory_operations(ops);
  add_xattr_operations(ops);
  char name[] = "bulkhead-keeper";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  Session session(fuse_session_new(&args, &ops, sizeof ops, &view), fuse_session_destroy);
  fuse_opt_free_args(&args);
  if (!session) return fail("libfuse: no session");
  if (fuse_session_mount(session.get(), cat("/dev/fd/", fuse).c_str()) != 0)
    return fail("libfuse does not take the /dev/fuse that it was given");
  return session;
}

// Every object in use by the host is an fd: as many as the hard limit allows.
void raise_fd_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Until the mount is gone (ENODEV: libfuse ends the session). Sleeps in read(2) between requests.
void serve(fuse_session* session) {
  fuse_buf request{};
  while (!fuse_session_exited(session)) {
    int got = fuse_session_receive_buf(session, &request);
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got <= 0) break;
    fuse_session_process_buf(session, &request);
  }
  free(request.mem);
}

}  // namespace

Result<> serve_host_view(HostViewInputs inputs) {
  struct stat st = TRY(sys::stat_fd(inputs.root.get(), "the root"));
  if (!S_ISDIR(st.st_mode)) return fail("the root is not a directory");
  raise_fd_limit();
  TRY(enter_empty_root());
  View view(std::move(inputs.root), st, inputs.ids);
  auto session = TRY(make_session(inputs.fuse.release(), view));  // which closes it
  TRY(drop_privileges(kKept));
  serve(session.get());
  return {};
}

}  // namespace bulkhead::keeper
