#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "labs/probe.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

namespace {

constexpr size_t header_size = 12;
constexpr unsigned type_a = 1;
constexpr unsigned class_in = 1;

/// Reads a message from front to back; past the end everything is 0 and bad() is true.
class Cursor {
 public:
  explicit Cursor(std::string_view message) : rest_(message) {}
  unsigned byte() {
    if (rest_.empty()) {
      bad_ = true;
      return 0;
    }
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  unsigned word() {
    const unsigned high = byte();
    return high << 8U | byte();
  }
  void skip(size_t count) {
    bad_ = bad_ || count > rest_.size();
    rest_.remove_prefix(std::min(count, rest_.size()));
  }
  /// Labels up to an empty one, or to a pointer, which ends a name.
  void skip_name() {
    while (!bad_) {
      const unsigned length = byte();
      if (length == 0) return;
      if (length >= 0xc0U) return skip(1);
      skip(length);
    }
  }
  [[nodiscard]] bool bad() const { return bad_; }

 private:
  std::string_view rest_;
  bool bad_ = false;
};

void append_word(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8U & 0xffU);
  out += static_cast<char>(value & 0xffU);
}

std::string code_name(unsigned code) {
  if (code == 3) return "NXDOMAIN: there is no such name";
  if (code == 2) return "SERVFAIL: the server could not find out";
  if (code == 5) return "REFUSED: the server does not answer this";
  return str("the server answers with error ", code);
}

}  // namespace

Result<std::string> dns_question(uint16_t id, const std::string& name) {
  std::string out;
  append_word(out, id);
  append_word(out, 0x0100);  // Recursion, please.
  for (unsigned count : {1U, 0U, 0U, 0U}) append_word(out, count);
  std::string_view rest = name;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  for (auto label : split(rest, '.')) {
    if (label.empty() || label.size() > 63) {
      return Error(ErrorCode::invalid, str('"', name, "\" is no name"));
    }
    out += static_cast<char>(label.size());
    out += label;
  }
  out += '\0';
  append_word(out, type_a);
  append_word(out, class_in);
  return out;
}

Result<std::vector<Ipv4>> dns_answer(uint16_t id, std::string_view message) {
  Cursor cursor(message);
  const Error broken(ErrorCode::bad_request, "the answer is no DNS message");
  if (message.size() < header_size || cursor.word() != id) return broken;
  const unsigned flags = cursor.word();
  if ((flags & 0x8000U) == 0) return broken;
  const unsigned questions = cursor.word();
  const unsigned answers = cursor.word();
  cursor.skip(4);
  if ((flags & 0xfU) != 0) return Error(ErrorCode::not_found, code_name(flags & 0xfU));
  for (unsigned i = 0; i < questions && !cursor.bad(); ++i) {
    cursor.skip_name();
    cursor.skip(4);
  }
  std::vector<Ipv4> found;
  for (unsigned i = 0; i < answers && !cursor.bad(); ++i) {
    cursor.skip_name();
    const unsigned type = cursor.word();
    const unsigned record_class = cursor.word();
    cursor.skip(4);
    const unsigned size = cursor.word();
    if (type == type_a && record_class == class_in && size == 4) {
      uint32_t ip = 0;
      for (int k = 0; k < 4; ++k) ip = ip << 8U | cursor.byte();
      if (!cursor.bad()) found.emplace_back(ip);
    } else {
      cursor.skip(size);
    }
  }
  if (cursor.bad()) return broken;
  return found;
}

Result<std::vector<Ipv4>> ask_dns(int netns_fd, Ipv4 server, uint16_t port,
                                  const std::string& name) {
  constexpr int patience_ms = 2000;
  const auto id = static_cast<uint16_t>(::getpid());
  HOP_TRY(std::string question, dns_question(id, name));
  HOP_TRY(Fd fd, probe_socket(netns_fd, SOCK_DGRAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = server.network_order();
  const std::string what = str("asking ", to_string(server), " for ", name);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::send(fd.get(), question.data(), question.size(), 0) < 0) {
    return Error::from_errno(errno, what);
  }
  pollfd waiting{fd.get(), POLLIN, 0};
  if (::poll(&waiting, 1, patience_ms) != 1) {
    return Error(ErrorCode::timed_out, what + ": no answer within 2 s");
  }
  std::array<char, 4096> answer{};
  const ssize_t size = ::recv(fd.get(), answer.data(), answer.size(), 0);
  if (size < 0) return Error::from_errno(errno, what);
  return dns_answer(id, {answer.data(), static_cast<size_t>(size)}).context(what);
}

}  // namespace hoplab::labs
