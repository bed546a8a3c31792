/* pause: holds a pod's namespaces and, as pid 1 of a shared pid namespace, reaps. Built without a
 * C library so that a thousand of them cost a page or two each; embedded by pause_program.cc. */

#include <linux/wait.h>

#define SIG_INT 2
#define SIG_TERM 15
#define SIG_CHLD 17
#define BIT(signal) (1UL << ((signal) - 1))

#if defined(__x86_64__)
#define NR_SIGPROCMASK 14
#define NR_SIGTIMEDWAIT 128
#define NR_WAIT4 61
#define NR_EXIT_GROUP 231
static long call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
#define NR_SIGPROCMASK 135
#define NR_SIGTIMEDWAIT 137
#define NR_WAIT4 260
#define NR_EXIT_GROUP 94
static long call(long number, long a, long b, long c, long d) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#else
#error "pause.c: this processor's system calls are missing"
#endif

void _start(void) {
  unsigned long signals = BIT(SIG_INT) | BIT(SIG_TERM) | BIT(SIG_CHLD);
  /* SIG_BLOCK is 0; the kernel's signal set is 8 bytes. */
  call(NR_SIGPROCMASK, 0, (long)&signals, 0, 8);
  for (;;) {
    long signal = call(NR_SIGTIMEDWAIT, (long)&signals, 0, 0, 8);
    if (signal == SIG_INT || signal == SIG_TERM) call(NR_EXIT_GROUP, 0, 0, 0, 0);
    while (signal == SIG_CHLD && call(NR_WAIT4, -1, 0, WNOHANG, 0) > 0) {
    }
  }
}
