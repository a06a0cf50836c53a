package netx

import "strings"

// Environment is what the service manager says in environment variables, as text;
// it is checked where it is used. The zero Environment says nothing.
type Environment struct {
	ListenPID   string // LISTEN_PID: whom the sockets are for
	ListenFDs   string // LISTEN_FDS: how many there are, from descriptor 3 on
	ListenNames string // LISTEN_FDNAMES: their names, with colons between

	NotifySocket string // NOTIFY_SOCKET: where to report
	WatchdogPID  string // WATCHDOG_PID: who is watched
	WatchdogUsec string // WATCHDOG_USEC: for how long silence is accepted
}

// ReadEnvironment picks the variables out of environ, which has the form of
// os.Environ.
func ReadEnvironment(environ []string) Environment {
	var e Environment
	fields := map[string]*string{
		"LISTEN_PID":     &e.ListenPID,
		"LISTEN_FDS":     &e.ListenFDs,
		"LISTEN_FDNAMES": &e.ListenNames,
		"NOTIFY_SOCKET":  &e.NotifySocket,
		"WATCHDOG_PID":   &e.WatchdogPID,
		"WATCHDOG_USEC":  &e.WatchdogUsec,
	}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if f := fields[name]; f != nil {
			*f = value
		}
	}
	return e
}
