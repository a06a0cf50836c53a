// Package journal keeps records in one encrypted file that only grows: what was
// appended is on the disk when Append returns, and whatever happens to the file
// afterwards is noticed when it is opened.
//
// # File
//
// All numbers are big-endian.
//
//	  0    8  magic "TLCHAT1\n"
//	  8    4  Argon2id: passes
//	 12    4  Argon2id: memory, KiB
//	 16    4  Argon2id: lanes
//	 20   16  salt
//	 36   40  nothing, sealed: opens under the right passphrase only
//	 76   32  SHA-256 of the bytes before
//	108   80  first mark
//	188   80  second mark
//	268       records: size (4), nonce (24), sealed record (size - 24)
//
// A mark is a nonce and, sealed, the number of records (8), their end in the
// file (8) and the nonce of the last (24).
//
// # Sealing
//
// Argon2id of passphrase and salt gives one key; everything is sealed with
// XChaCha20-Poly1305 under random nonces. Bound to what is sealed are its place
// and the hash of the head; to a record also the nonce of the one before. So no
// record can change, move, come twice, or be missing between others.
//
// The marks take turns. Each is written after the records that it counts are on
// the disk: records that a mark counts were acknowledged. What is missing or
// does not open before the mark is damage; behind it, it is a write that did
// not finish, and is cut off. A kill between any two writes loses nothing that
// was acknowledged.
//
// # Files
//
//   - journal.go: Create, Open, Append, Rewrite
//   - head.go: head, key and marks
//   - scan.go: reading, and what is wrong with a file
//   - lock_unix.go, lock_windows.go: one process at a time
//
// # Limits
//
//   - A whole older copy of the file is not told from the newest one: that needs
//     a memory outside of the file.
//   - Sizes and number of records are visible.
//   - After a damaged size the records behind it are not found.
package journal
