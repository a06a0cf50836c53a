//go:build !unix

package netx

// RaiseDescriptors does nothing where there is no such limit, and returns 0.
func RaiseDescriptors() (limit uint64, err error) { return 0, nil }

// Descriptors returns 0 for both where the system does not tell.
func Descriptors() (used, limit uint64) { return 0, 0 }
