// Package exchange tries the whole program from outside: the executable serves,
// headless clients of the same executable talk through it, and strangers try
// what they must not be able to do. The tests need the build tag interop.
package exchange
