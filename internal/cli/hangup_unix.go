//go:build unix

package cli

import "syscall"

// hangup asks a server to read its settings again.
const hangup = syscall.SIGHUP
