#include <openssl/sha.h>

#include <array>

#include "runtime/base/text.h"
#include "runtime/plan/services.h"

namespace hoplab::plan {

namespace {

constexpr size_t hash_length = 16;

/// The first 16 characters of base32(SHA-256(text)): ten bytes give exactly sixteen.
std::string hash_of(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),  // NOLINT
         digest.data());
  std::string out;
  unsigned window = 0;
  unsigned bits = 0;
  for (unsigned char byte : digest) {
    window = window << 8U | byte;
    bits += 8;
    for (; bits >= 5 && out.size() < hash_length; bits -= 5) {
      out += alphabet[window >> (bits - 5) & 31U];
    }
    if (out.size() == hash_length) break;
  }
  return out;
}

std::string protocol_text(uint8_t number) {
  return number == protocol::udp ? "udp" : "tcp";
}

}  // namespace

std::string to_string(const ServicePortName& port) {
  std::string text = port.namespace_name + "/" + port.name;
  if (!port.port_name.empty()) text += ":" + port.port_name;
  return text;
}

std::string service_chain(std::string_view prefix, const ServicePortName& name,
                          uint8_t protocol_number) {
  return std::string(prefix) + hash_of(to_string(name) + protocol_text(protocol_number));
}

std::string endpoint_chain(const ServicePortName& name, uint8_t protocol_number,
                           const ServiceEndpoint& endpoint) {
  return "KUBE-SEP-" + hash_of(to_string(name) + protocol_text(protocol_number) +
                               to_string(endpoint.ip) + ":" + std::to_string(endpoint.port));
}

std::vector<std::string> service_chain_prefixes() {
  return {"KUBE-SVC-", "KUBE-SEP-", "KUBE-FW-", "KUBE-XLB-"};
}

}  // namespace hoplab::plan
