#include "runtime/nft/transaction.h"

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::nft {

namespace {

/// One change with its message, so that a refused sequence number leads back to the rule.
struct Encoded {
  const Change* change = nullptr;
  uint32_t sequence = 0;
  std::string message;
};

Error refusal(const Change& change, int error) {
  Error result = Error::from_errno(error, str("nftables refused \"", to_command(change), "\""));
  if (error == EMSGSIZE) return std::move(result).context("message too large");
  return result;
}

/// Sends messages as batches of at most `room` bytes.
class Sender {
 public:
  Sender(NftSocket& socket, size_t room, CommitReport& report)
      : socket_(socket), room_(room), report_(report) {}

  /// Queues the message; commits what is queued first when it would not fit any more.
  bool add(Encoded next) {
    if (size_ + next.message.size() + edges > room_ && !queue_.empty() && !flush()) return false;
    size_ += next.message.size();
    queue_.push_back(std::move(next));
    return true;
  }

  bool flush() {
    if (queue_.empty()) return true;
    request_ack(queue_.back().message);
    const uint32_t begin = socket_.next_sequence();
    std::string bytes = encode_batch_begin(begin);
    bytes.reserve(size_ + edges);
    for (const Encoded& item : queue_) bytes += item.message;
    bytes += encode_batch_end(socket_.next_sequence());
    auto sent = socket_.send_batch(
        bytes, [&](uint32_t sequence, int error) { note_error(sequence, error); });
    if (!sent && !report_.error) report_.error = sent.error();
    if (sent && !*sent && !report_.error) {
      report_.error = Error(ErrorCode::internal, "nftables did not acknowledge a batch");
    }
    if (report_.error) return false;
    ++report_.batches;
    queue_.clear();
    size_ = 0;
    return true;
  }

  [[nodiscard]] bool fits(size_t bytes) const { return size_ + bytes + edges <= room_; }

 private:
  static constexpr size_t edges = 64;

  void note_error(uint32_t sequence, int error) {
    if (report_.error) return;  // The first one; later ones follow from it.
    for (const Encoded& item : queue_) {
      if (item.sequence != sequence) continue;
      report_.refused = *item.change;
      report_.error = refusal(*item.change, error);
      return;
    }
    report_.error = Error::from_errno(error, "nftables refused to commit a batch");
  }

  NftSocket& socket_;
  size_t room_;
  CommitReport& report_;
  std::vector<Encoded> queue_;
  size_t size_ = 0;
};

Result<std::vector<Encoded>> encode_all(NftSocket& socket, const std::vector<Change>& changes,
                                        const EncodeOptions& options, size_t& total) {
  std::vector<Encoded> out;
  out.reserve(changes.size());
  for (const Change& change : changes) {
    const uint32_t sequence = socket.next_sequence();
    HOP_TRY(std::string message, encode_change(change, sequence, options));
    total += message.size();
    out.push_back({&change, sequence, std::move(message)});
  }
  return out;
}

size_t bytes_of(const std::vector<Encoded>& messages) {
  size_t total = 0;
  for (const Encoded& item : messages) total += item.message.size();
  return total;
}

}  // namespace

CommitReport commit(NftSocket& socket, const ChangePlan& plan, const EncodeOptions& options) {
  CommitReport report;
  size_t total = 0;
  std::vector<std::vector<Encoded>> parts;
  for (const auto* changes : {&plan.build, &plan.rewire, &plan.clean}) {
    auto encoded = encode_all(socket, *changes, options, total);
    if (!encoded) {
      report.error = encoded.error();
      return report;
    }
    parts.push_back(*std::move(encoded));
  }
  Sender sender(socket, socket.room_for(total), report);
  for (std::vector<Encoded>& part : parts) {
    // Rather a batch of its own than a part that is cut in two.
    if (!sender.fits(bytes_of(part)) && !sender.flush()) return report;
    for (Encoded& item : part) {
      if (!sender.add(std::move(item))) return report;
    }
  }
  sender.flush();
  return report;
}

}  // namespace hoplab::nft
