//go:build !unix

package cli

import "syscall"

// hangup asks a server to read its settings again; it never comes here.
const hangup = syscall.SIGHUP
