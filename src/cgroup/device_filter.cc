#include "cgroup/device_filter.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/strings.h"
#include "cgroup/files.h"

namespace bulkhead::cgroup {
namespace {

constexpr char kProgramName[] = "bulkhead_dev";

// Registers of the program.
constexpr std::uint8_t kResult = BPF_REG_0, kContext = BPF_REG_1, kType = BPF_REG_2,
                       kMajor = BPF_REG_3, kMinor = BPF_REG_4, kPending = BPF_REG_5,
                       kScratch = BPF_REG_6;

class Assembler {
 public:
  void load(std::uint8_t to, std::int16_t offset) {
    add(BPF_LDX | BPF_MEM | BPF_W, to, kContext, offset, 0);
  }
  void copy(std::uint8_t to, std::uint8_t from) {
    add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
  }
  void alu(std::uint8_t op, std::uint8_t reg, std::int32_t value) {
    add(static_cast<std::uint8_t>(BPF_ALU64 | op | BPF_K), reg, 0, 0, value);
  }
  void ret(bool verdict) {
    alu(BPF_MOV, kResult, verdict);
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  // A forward jump to a place still to come; land() says where. Compares 32 bits: device numbers
  // use all of them, and 64-bit comparisons sign-extend the constant.
  std::size_t jump(std::uint8_t op, std::uint8_t reg, std::int32_t value) {
    add(static_cast<std::uint8_t>(BPF_JMP32 | op | BPF_K), reg, 0, 0, value);
    return code_.size() - 1;
  }
  void land(std::size_t jump) {
    code_[jump].off = static_cast<std::int16_t>(code_.size() - jump - 1);
  }
  std::vector<bpf_insn> take() { return std::move(code_); }

 private:
  void add(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset,
           std::int32_t value) {
    bpf_insn insn{};
    insn.code = code;
    insn.dst_reg = to & 0xf;
    insn.src_reg = from & 0xf;
    insn.off = offset;
    insn.imm = value;
    code_.push_back(insn);
  }
  std::vector<bpf_insn> code_;
};

void add_match(Assembler& out, const DeviceMatch& match) {
  std::vector<std::size_t> misses;
  int type = match.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  misses.push_back(out.jump(BPF_JNE, kType, type));
  if (match.major != kAny)
    misses.push_back(out.jump(BPF_JNE, kMajor, static_cast<std::int32_t>(match.major)));
  if (match.minor != kAny)
    misses.push_back(out.jump(BPF_JNE, kMinor, static_cast<std::int32_t>(match.minor)));
  // The context's bits are BPF_DEVCG_ACC_MKNOD 1, READ 2, WRITE 4.
  int bits = (match.access & kMknod ? BPF_DEVCG_ACC_MKNOD : 0) |
             (match.access & kRead ? BPF_DEVCG_ACC_READ : 0) |
             (match.access & kWrite ? BPF_DEVCG_ACC_WRITE : 0);
  if (match.allow) {
    out.alu(BPF_AND, kPending, ~bits);
    misses.push_back(out.jump(BPF_JNE, kPending, 0));
  } else {
    out.copy(kScratch, kPending);
    out.alu(BPF_AND, kScratch, bits);
    misses.push_back(out.jump(BPF_JEQ, kScratch, 0));
  }
  out.ret(match.allow);
  for (std::size_t miss : misses) out.land(miss);
}

int bpf(int command, bpf_attr& attr) {
  return static_cast<int>(syscall(SYS_bpf, command, &attr, sizeof attr));
}

Result<UniqueFd> load_program(const std::vector<bpf_insn>& code) {
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = reinterpret_cast<std::uint64_t>(code.data());
  attr.insn_cnt = static_cast<std::uint32_t>(code.size());
  attr.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  memcpy(attr.prog_name, kProgramName, sizeof kProgramName);
  UniqueFd program(bpf(BPF_PROG_LOAD, attr));
  if (!program)
    return fail_errno("resources.devices: load the device filter (BPF_PROG_TYPE_CGROUP_DEVICE)");
  return program;
}

bool is_ours(BorrowedFd program) {
  bpf_prog_info info{};
  bpf_attr attr{};
  attr.info.bpf_fd = static_cast<std::uint32_t>(program);
  attr.info.info_len = sizeof info;
  attr.info.info = reinterpret_cast<std::uint64_t>(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attr) == 0 &&
         std::string_view(info.name, strnlen(info.name, sizeof info.name)) == kProgramName;
}

// Our programs that are attached to this very cgroup.
Result<std::vector<UniqueFd>> attached(BorrowedFd dir) {
  std::array<std::uint32_t, 64> ids{};  // the kernel's limit for one cgroup
  bpf_attr query{};
  query.query.target_fd = static_cast<std::uint32_t>(dir);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<std::uint64_t>(ids.data());
  query.query.prog_cnt = ids.size();
  if (bpf(BPF_PROG_QUERY, query) != 0)
    return fail_errno("resources.devices: list the device filters of the cgroup");
  std::vector<UniqueFd> ours;
  for (std::uint32_t i = 0; i < query.query.prog_cnt; ++i) {
    bpf_attr get{};
    get.prog_id = ids[i];
    UniqueFd program(bpf(BPF_PROG_GET_FD_BY_ID, get));
    if (program && is_ours(program.get())) ours.push_back(std::move(program));
  }
  return ours;
}

Result<> attach(BorrowedFd dir, BorrowedFd program, BorrowedFd replaced) {
  bpf_attr attr{};
  attr.target_fd = static_cast<std::uint32_t>(dir);
  attr.attach_bpf_fd = static_cast<std::uint32_t>(program);
  attr.attach_type = BPF_CGROUP_DEVICE;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  if (replaced >= 0) {
    attr.attach_flags |= BPF_F_REPLACE;
    attr.replace_bpf_fd = static_cast<std::uint32_t>(replaced);
  }
  if (bpf(BPF_PROG_ATTACH, attr) != 0)
    return fail_errno("resources.devices: attach the device filter to the cgroup");
  return {};
}

Result<> detach(BorrowedFd dir, BorrowedFd program) {
  bpf_attr attr{};
  attr.target_fd = static_cast<std::uint32_t>(dir);
  attr.attach_bpf_fd = static_cast<std::uint32_t>(program);
  attr.attach_type = BPF_CGROUP_DEVICE;
  if (bpf(BPF_PROG_DETACH, attr) != 0)
    return fail_errno("resources.devices: detach the former device filter");
  return {};
}

}  // namespace

std::vector<bpf_insn> assemble_device_filter(const DevicePolicy& policy) {
  Assembler out;
  out.load(kType, offsetof(bpf_cgroup_dev_ctx, access_type));
  out.load(kMajor, offsetof(bpf_cgroup_dev_ctx, major));
  out.load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor));
  out.copy(kPending, kType);
  out.alu(BPF_RSH, kPending, 16);
  out.alu(BPF_AND, kType, 0xffff);
  for (auto match = policy.matches.rbegin(); match != policy.matches.rend(); ++match)
    add_match(out, *match);
  out.ret(policy.default_allow);
  return out.take();
}

Result<> attach_device_filter(BorrowedFd dir, const DevicePolicy& policy) {
  UniqueFd cgroup = open_listable(dir, ".");
  if (!cgroup) return fail_errno("open the container's cgroup");
  auto former = TRY(attached(cgroup.get()));
  if (!policy.allows_all()) {
    UniqueFd program = TRY(load_program(assemble_device_filter(policy)));
    TRY(attach(cgroup.get(), program.get(), former.empty() ? -1 : former.back().get()));
    if (!former.empty()) former.pop_back();
  }
  for (const UniqueFd& program : former) TRY(detach(cgroup.get(), program.get()));
  return {};
}

}  // namespace bulkhead::cgroup
