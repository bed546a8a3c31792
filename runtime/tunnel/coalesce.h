#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "runtime/tunnel/packet.h"

namespace hoplab::tunnel {

/// Packets that arrived together and go into the kernel as one: the first whole, of the others only
/// the payload. The reverse of segmentation, as GRO does it.
struct Merged {
  Offload offload;
  std::vector<ConstBytes> parts;  ///< In order; the first holds the (adjusted) headers.
};

/// Joins runs of TCP segments of one connection that follow each other; everything else passes as
/// it is. Packets are changed in place (length, checksums of the first of a run). `packets` must be
/// whole IPv4 packets (from decapsulate()) and outlive the result. `out` is cleared first.
void coalesce(std::span<const Bytes> packets, std::vector<Merged>& out);

}  // namespace hoplab::tunnel
