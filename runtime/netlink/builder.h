#pragma once

#include <netlink/msg.h>

#include <memory>
#include <string>

#include "runtime/base/ip.h"
#include "runtime/netlink/messages.h"

// Inside the .cc files of runtime/netlink only: libnl's message builder, owned.

namespace hoplab {

/// One message under construction. The messages of this folder are far below libnl's page-sized
/// buffer; a put that does not fit all the same makes `finish()` fail.
class MessageBuilder {
 public:
  MessageBuilder(int type, int flags)
      : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags), nlmsg_free) {
    check(message_ ? 0 : -1);
  }

  /// The fixed part behind the header: ifinfomsg, rtmsg, … (also inside VETH_INFO_PEER).
  template <typename Header>
  void header(Header header) {
    if (ok_) check(nlmsg_append(message_.get(), &header, sizeof header, NLMSG_ALIGNTO));
  }
  void u8(int type, uint8_t value) { put(type, &value, sizeof value); }
  void u16(int type, uint16_t value) { put(type, &value, sizeof value); }
  void u32(int type, uint32_t value) { put(type, &value, sizeof value); }
  void ip(int type, Ipv4 value) { u32(type, value.network_order()); }
  void mac(int type, const Mac& value) { put(type, value.bytes.data(), value.bytes.size()); }
  /// With its terminating zero.
  void string(int type, const std::string& value) { put(type, value.c_str(), value.size() + 1); }
  void put(int type, const void* data, size_t size) {
    if (ok_) check(nla_put(message_.get(), type, static_cast<int>(size), data));
  }

  /// Runs `inside` between the start and the end of a nested attribute.
  template <typename Inside>
  void nested(int type, Inside&& inside) {
    if (!ok_) return;
    nlattr* nest = nla_nest_start(message_.get(), type);
    check(nest != nullptr ? 0 : -1);
    if (!ok_) return;
    inside();
    if (ok_) nla_nest_end(message_.get(), nest);
  }

  [[nodiscard]] Result<MessageBytes> finish() const {
    if (!ok_) return Error(ErrorCode::too_large, "the netlink message does not fit its buffer");
    const nlmsghdr* header = nlmsg_hdr(message_.get());
    const auto* bytes = reinterpret_cast<const std::byte*>(header);
    MessageBytes out(bytes, bytes + header->nlmsg_len);
    out.resize(NLMSG_ALIGN(out.size()));
    return out;
  }

 private:
  void check(int result) { ok_ = ok_ && result >= 0; }

  std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message_;
  bool ok_ = true;
};

}  // namespace hoplab
