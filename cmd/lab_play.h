#pragma once

#include "cmd/lab.h"

namespace hoplab::cmd {

/// Plays one lesson inside its host, as `lab test` wants it (mode "typed": the commands typed into
/// a shell; "next": the word), and prints what went wrong. Every step's check must fail before and
/// hold after; what earlier steps made must stay; every step can be gone to, and is not done then;
/// the quiz's answers and the faults must be right.
int run_lab_play(const LabRequest& request);

}  // namespace hoplab::cmd
