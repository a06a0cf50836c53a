// Package child starts processes that never outlive this one: each leads a
// process group of its own, which is ended when the context ends, when it is
// stopped, and by the kernel if this process is killed.
package child
