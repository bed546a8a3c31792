#include "runtime/tunnel/stats.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::tunnel {

namespace {

constexpr uint64_t file_magic = 0x326c6e7574706f68;  // "hoptunl2", the last digit is the version
constexpr auto last_variant = static_cast<uint64_t>(Variant::veth);

}  // namespace

struct StatsFile::Layout {
  uint64_t magic;
  uint64_t variant;
  Counters counters;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");

Result<StatsFile> StatsFile::map(int fd, bool writable) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory = mmap(nullptr, sizeof(Layout), protection, flags, fd, 0);
  if (memory == MAP_FAILED) return Error::from_errno(errno, "map the tunnel's counters");
  StatsFile out;
  out.layout_ = {static_cast<Layout*>(memory), [](Layout* old) { munmap(old, sizeof(Layout)); }};
  return out;
}

Result<StatsFile> StatsFile::create(const std::string& path, Variant variant) {
  Fd file;
  if (!path.empty()) {
    HOP_TRY(file, open_fd(path, O_RDWR | O_CREAT, 0644));
    if (ftruncate(file.get(), sizeof(Layout)) != 0) return Error::from_errno(errno, path);
  }
  HOP_TRY(StatsFile out, map(file.get(), true));
  if (out.layout_->magic != file_magic) new (out.layout_.get()) Layout{};
  out.layout_->magic = file_magic;
  out.layout_->variant = static_cast<uint64_t>(variant);
  return out;
}

Result<StatsFile> StatsFile::open(const std::string& path) {
  HOP_TRY(Fd file, open_fd(path, O_RDONLY));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Error::from_errno(errno, path);
  if (info.st_size < static_cast<off_t>(sizeof(Layout))) {
    return Error(ErrorCode::bad_request, str(path, " is not a tunnel's counters: too short"));
  }
  HOP_TRY(StatsFile out, map(file.get(), false));
  if (out.layout_->magic != file_magic || out.layout_->variant > last_variant) {
    return Error(ErrorCode::bad_request, str(path, " is not a tunnel's counters"));
  }
  return out;
}

Counters& StatsFile::counters() const {
  return layout_->counters;
}

Variant StatsFile::variant() const {
  return static_cast<Variant>(layout_->variant);
}

Json StatsFile::to_json() const {
  const Counters& c = layout_->counters;
  const auto n = [](const std::atomic<uint64_t>& value) { return value.load(); };
  return {
      {"variant", to_string(variant())},
      {"out",
       {{"packets", n(c.out_packets)}, {"bytes", n(c.out_bytes)}, {"frames", n(c.out_frames)}}},
      {"in", {{"packets", n(c.in_packets)}, {"bytes", n(c.in_bytes)}, {"frames", n(c.in_frames)}}},
      {"dropped",
       {{"noNextHop", n(c.dropped_no_next_hop)},
        {"malformed", n(c.dropped_malformed)},
        {"send", n(c.dropped_send)}}}};
}

}  // namespace hoplab::tunnel
