// Package netx is what every network of the exchange needs from the operating
// system: listening sockets, connections that cost little while idle, proxies,
// descriptors, the service manager and the time of others.
//
// # Files
//
//   - stream.go, stream_unix.go: Stream, a connection without a buffer while idle
//   - limitlistener.go, spare.go: LimitListener, which survives floods and lack of descriptors
//   - listen.go, systemd.go: Sockets, which opens sockets or takes those that systemd passed
//   - inuse.go, holder.go: InUseError, which names the program that has the port
//   - environment.go: Environment, what systemd says in environment variables
//   - notify.go: Notifier, which tells systemd how we are
//   - keepalive.go, keepalive_linux.go, descriptors_unix.go: KeepAlive, RaiseDescriptors, Descriptors
//   - proxy.go: Dialer, through a SOCKS5 or HTTP proxy
//   - sntp.go: ClockOffset, how wrong our clock is
//
// # Specification
//
// sd_listen_fds(3) and sd_notify(3); RFC 1928 and 1929 (SOCKS5, in
// golang.org/x/net/proxy); RFC 9110 9.3.6 (CONNECT); RFC 4330 (SNTP).
//
// # Times
//
//   - accept errors: 5 ms, doubled up to 1 s
//   - talking to a proxy: 30 s, or the context's deadline if that is sooner
//   - asking for the time: 5 s, or the context's deadline if that is sooner
//   - telling systemd: 5 s; watchdog at half of what it asks for
//
// # Limits
//
// On systems other than Unix a Stream holds its buffer while it waits and
// TryWrite never writes, nothing is passed by systemd, and descriptors have no
// limit that could be raised. The program that has a port is found on Linux
// only, and only if /proc shows it to us.
package netx
