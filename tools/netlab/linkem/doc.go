// Command linkem is a bad network cable for tests: it joins two TAP devices
// and delays, drops, repeats, reorders, damages or slows the frames between
// them. It does in user space what the kernel's netem does, so that tests do
// not depend on a kernel that has it. It runs on Linux and needs root.
//
//	linkem -a tla0 -b tla1 -ctl /run/netlab/a.sock -set 'delay=30ms jitter=5ms loss=1'
//	linkem -say /run/netlab/a.sock -set 'loss=100'
//
// Settings can change while it runs. Every line written to the control socket
// is a list of key=value words, for example "loss=100" (cut the cable),
// "ab.loss=100 ba.loss=0" (one way only) or "loss=0 delay=80ms". The answer is
// one line a direction: the settings now in force and the counters. A test that
// wants loss must look at the counters: one in which nothing was lost proves
// nothing.
//
// # Limits
//
// A cable without settings carries about 1.5 Gbit/s and adds some 0.15 ms to a
// round trip: do not measure what a server can do through it. The random
// numbers come from -seed, so a failing run can be repeated as far as timing
// allows.
package main
