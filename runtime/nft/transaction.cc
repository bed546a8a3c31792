#include "runtime/nft/transaction.h"

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::nft {

namespace {

/// One change and where its message lies, so that a refused sequence number leads back to the rule.
struct Encoded {
  const Change* change = nullptr;
  uint32_t sequence = 0;
  size_t begin = 0;
  size_t end = 0;
};

/// All messages of a plan, one behind the other: any run of them is the inside of a batch.
struct Messages {
  std::string bytes;
  std::vector<Encoded> index;
};

Error refusal(const Change& change, int error) {
  Error result = Error::from_errno(error, str("nftables refused \"", to_command(change), "\""));
  if (error == EMSGSIZE) return std::move(result).context("message too large");
  return result;
}

/// Sends messages as batches of at most `room` bytes, in their order.
class Sender {
 public:
  Sender(NftSocket& socket, Messages& messages, CommitReport& report)
      : socket_(socket),
        messages_(messages),
        room_(socket.room_for(messages.bytes.size())),
        report_(report) {}

  /// Takes the next message into the batch; commits first when it would not fit any more.
  bool add_next() {
    if (!fits(next_ + 1) && first_ != next_ && !flush()) return false;
    ++next_;
    return true;
  }

  bool flush() {
    if (first_ == next_) return true;
    const Encoded& last = messages_.index[next_ - 1];
    const size_t begin = messages_.index[first_].begin;
    request_ack(std::span(messages_.bytes).subspan(last.begin, last.end - last.begin));
    const std::string head = encode_batch_begin(socket_.next_sequence());
    const std::string tail = encode_batch_end(socket_.next_sequence());
    const std::string_view inside =
        std::string_view(messages_.bytes).substr(begin, last.end - begin);
    auto sent = socket_.send_batch(
        {head, inside, tail}, [&](uint32_t sequence, int error) { note_error(sequence, error); });
    if (!sent && !report_.error) report_.error = sent.error();
    if (sent && !*sent && !report_.error) {
      report_.error = Error(ErrorCode::internal, "nftables did not acknowledge a batch");
    }
    if (report_.error) return false;
    ++report_.batches;
    first_ = next_;
    return true;
  }

  /// Whether the batch has room for all messages before number `end`.
  [[nodiscard]] bool fits(size_t end) const {
    if (end == first_) return true;
    return messages_.index[end - 1].end - messages_.index[first_].begin + edges <= room_;
  }

 private:
  static constexpr size_t edges = 64;

  void note_error(uint32_t sequence, int error) {
    if (report_.error) return;  // The first one; later ones follow from it.
    for (size_t i = first_; i < next_; ++i) {
      const Encoded& item = messages_.index[i];
      if (item.sequence != sequence) continue;
      report_.refused = *item.change;
      report_.error = refusal(*item.change, error);
      return;
    }
    report_.error = Error::from_errno(error, "nftables refused to commit a batch");
  }

  NftSocket& socket_;
  Messages& messages_;
  size_t room_;
  CommitReport& report_;
  size_t first_ = 0;  ///< The batch being filled: from here up to
  size_t next_ = 0;   ///< here.
};

Result<Messages> encode_all(NftSocket& socket, const ChangePlan& plan,
                            const EncodeOptions& options) {
  constexpr size_t usual_message = 384;  // Of a service rule; a guess too low costs a copy.
  Messages out;
  out.index.reserve(plan.size());
  out.bytes.reserve((plan.size() + 8) * usual_message);
  for (const auto* changes : {&plan.build, &plan.rewire, &plan.clean}) {
    for (const Change& change : *changes) {
      const uint32_t sequence = socket.next_sequence();
      const size_t begin = out.bytes.size();
      HOP_CHECK(append_change(out.bytes, change, sequence, options));
      out.index.push_back({&change, sequence, begin, out.bytes.size()});
    }
  }
  return out;
}

}  // namespace

CommitReport commit(NftSocket& socket, const ChangePlan& plan, const EncodeOptions& options) {
  CommitReport report;
  auto messages = encode_all(socket, plan, options);
  if (!messages) {
    report.error = messages.error();
    return report;
  }
  Sender sender(socket, *messages, report);
  size_t end = 0;
  for (const auto* part : {&plan.build, &plan.rewire, &plan.clean}) {
    end += part->size();
    // Rather a batch of its own than a part that is cut in two.
    if (!sender.fits(end) && !sender.flush()) return report;
    for (size_t i = 0; i < part->size(); ++i) {
      if (!sender.add_next()) return report;
    }
  }
  sender.flush();
  return report;
}

}  // namespace hoplab::nft
