#include "runtime/engine/port_proxies.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "runtime/base/text.h"

namespace hoplab::engine {

namespace {

/// Where docker's own choices begin.
constexpr uint16_t first_dynamic_port = 49153;
/// The proxy's listening socket.
constexpr int listener_number = 3;

Result<Fd> bind_port(const PublishedPort& port) {
  const bool udp = port.protocol == IPPROTO_UDP;
  Fd fd(::socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "opening a socket");
  const int on = 1;
  if (!udp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.host_port);
  address.sin_addr.s_addr = port.host_ip.network_order();
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      (!udp && ::listen(fd.get(), 128) != 0)) {
    const std::string where = str(to_string(port.host_ip), ":", port.host_port);
    if (errno == EADDRINUSE) {
      return Error(ErrorCode::conflict,
                   str("Bind for ", where, " failed: port is already allocated"));
    }
    return Error::from_errno(errno, str("listen ", protocol_name(port.protocol), "4 ", where));
  }
  return fd;
}

}  // namespace

PortProxies::Proxy::~Proxy() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);  // Our own child that nobody else waits for: the number is still its own.
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Fd> PortProxies::take_port(PublishedPort& port) const {
  if (port.host_port != 0) return bind_port(port);
  for (uint32_t number = first_dynamic_port; number <= 65535; ++number) {
    PublishedPort candidate = port;
    candidate.host_port = static_cast<uint16_t>(number);
    auto listener = bind_port(candidate);
    if (!listener && listener.error().code() == ErrorCode::conflict) continue;
    if (listener) port = candidate;
    return listener;
  }
  return Error(ErrorCode::unavailable, "all dynamic ports are allocated");
}

Result<PortProxies::Proxy> PortProxies::start(const PublishedPort& port, Ipv4 container_ip,
                                              const Fd& listener) const {
  HOP_TRY(Pipe control, make_pipe());
  std::vector<std::string> args{"docker-proxy",
                                "-proto",
                                protocol_name(port.protocol),
                                "-host-ip",
                                to_string(port.host_ip),
                                "-host-port",
                                std::to_string(port.host_port),
                                "-container-ip",
                                to_string(container_ip),
                                "-container-port",
                                std::to_string(port.container_port)};
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, control.read_end.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, listener.get(), listener_number);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, executable_.c_str(), &files, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (error != 0) return Error::from_errno(error, "starting docker-proxy");
  return Proxy(pid, std::move(control.write_end));
}

Result<void> PortProxies::open(const std::string& container_id, Ipv4 container_ip,
                               std::vector<PublishedPort>& ports) {
  std::vector<PublishedPort> taken = ports;
  std::vector<Fd> listeners;
  for (PublishedPort& port : taken) {
    HOP_TRY(Fd listener, take_port(port));
    listeners.push_back(std::move(listener));
  }
  std::vector<Proxy> started;
  for (size_t i = 0; i < taken.size(); ++i) {
    HOP_TRY(Proxy proxy, start(taken[i], container_ip, listeners[i]));
    started.push_back(std::move(proxy));
  }
  ports = std::move(taken);
  proxies_.erase(container_id);
  proxies_.emplace(container_id, std::move(started));
  return {};
}

void PortProxies::close(const std::string& container_id) {
  proxies_.erase(container_id);
}

}  // namespace hoplab::engine
