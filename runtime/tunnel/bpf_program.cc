#include "runtime/tunnel/bpf_program.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "runtime/base/text.h"

namespace hoplab::tunnel::bpf {

namespace {

/// Dual licence: see ipip_programs.cc. One of the words that the kernel knows for that.
constexpr const char* license = "GPL and additional rights";
constexpr size_t log_bytes = 256UL * 1024;
constexpr size_t shown_lines = 8;

int bpf_call(int command, bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

bpf_attr load_request(const std::string& name, const Code& code) {
  bpf_attr out;
  std::memset(&out, 0, sizeof out);  // also between the members: the kernel looks there
  out.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  out.insn_cnt = static_cast<uint32_t>(code.size());
  out.insns = reinterpret_cast<uintptr_t>(code.data());
  out.license = reinterpret_cast<uintptr_t>(license);
  name.copy(out.prog_name, sizeof out.prog_name - 1);
  return out;
}

/// Asks again, for the verifier's words; empty when it has none.
std::string why_refused(const std::string& name, const Code& code) {
  std::vector<char> log(log_bytes);
  bpf_attr request = load_request(name, code);
  request.log_level = 1;
  request.log_size = static_cast<uint32_t>(log.size());
  request.log_buf = reinterpret_cast<uintptr_t>(log.data());
  const Fd loaded(bpf_call(BPF_PROG_LOAD, request));
  log.back() = '\0';
  const std::vector<std::string_view> lines = split(trim(log.data()), '\n');
  const size_t first = lines.size() > shown_lines ? lines.size() - shown_lines : 0;
  std::string out;
  for (size_t i = first; i < lines.size(); ++i) out += str("\n  ", lines[i]);
  return out;
}

}  // namespace

Result<Program> Program::load(const std::string& name, const Code& code) {
  bpf_attr request = load_request(name, code);
  Fd fd(bpf_call(BPF_PROG_LOAD, request));
  if (!fd) {
    const int problem = errno;
    Error error = Error::from_errno(problem, str("load the eBPF program ", name));
    if (problem == EPERM) return error;  // refused before the verifier looked
    const std::string log = why_refused(name, code);
    if (log.empty()) return error;
    return Error(error.code(), str(error.message(), "; the verifier says:", log));
  }
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  bpf_attr question;
  std::memset(&question, 0, sizeof question);
  question.info.bpf_fd = static_cast<uint32_t>(fd.get());
  question.info.info_len = sizeof info;
  question.info.info = reinterpret_cast<uintptr_t>(&info);
  if (bpf_call(BPF_OBJ_GET_INFO_BY_FD, question) != 0) {
    return Error::from_errno(errno, str("read the tag of the eBPF program ", name));
  }
  uint64_t tag = 0;
  std::memcpy(&tag, info.tag, sizeof tag);
  return Program(std::move(fd), tag);
}

}  // namespace hoplab::tunnel::bpf
