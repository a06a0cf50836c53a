// Package limit keeps strangers from using more than their share: how often
// something may happen, and how many of it may exist at once.
//
// It has no clock of its own (callers pass the time), reads no packet and
// decides nothing: what a refusal means is the caller's policy.
//
// # Files
//
//   - bucket.go: Rate and Bucket, one token bucket for one owner
//   - keyed.go: Keyed, token buckets by key, bounded in memory
//   - table.go: the table under Keyed and ByAddr, with its order of forgetting
//   - class.go: the classes of an address, /32 /26 /21 and /64 /48 /32
//   - byaddr.go: ByAddr, a rate for each class of an address
//   - count.go: Count, how many things an address may hold at once
//
// # Limits
//
//   - A zero Rate, and a zero maximum, mean "no limit". Whether that may be
//     configured is for the owner of the setting to decide.
//   - A clock that goes back by at most a second gives nothing until it has
//     caught up; one that goes back further is taken for a corrected clock, and
//     counting continues from the new time without giving anything back.
//   - When a table is full, the key that would be full again soonest is
//     forgotten. To make it forget an exhausted key, a stranger has to keep as
//     many other keys as the table holds at least as exhausted.
package limit
