// Package chat is the full-screen terminal client: contacts, requests, one
// conversation at a time, and a profile that is kept encrypted. It works in any
// terminal of 40 columns and 10 lines, over ssh and in tmux, without a mouse.
//
// # Parts
//
// A [Client] is the network, a [Profile] the memory. The model between them
// has no clock of its own, goroutine or terminal: it takes keys, batches of
// events and times, and gives lines of text. [Run] connects the three.
//
// # What is promised
//
//   - A message of ours is on the disk before it is given to the network, and
//     shown as sent only after that is on the disk too.
//   - A message to us is on the disk before it is shown. While the disk takes
//     nothing, the network is not read.
//   - The grade of a message is that of the conversation when it was sent or
//     came in, and never changes.
//   - What others wrote reaches the terminal through internal/chat/cells only.
//
// # Profile
//
// One file, [trunkline/internal/chat/journal], whose records are entries in
// JSON: the secret key, contacts with their standing and whether they are
// verified, messages, what was read, drafts. Whoever loses the file or its
// passphrase loses the address.
//
// Messages that wait when the program ends go out the next time. If it was
// killed, they are marked as failed, since they may have gone out; /again sends
// them. If a part of the file is damaged, verified marks are taken back: the
// entry that took one back may be what is missing.
//
// # Files
//
//   - chat.go: Config, Run; client.go: Client, its events; blubbel.go: of blubbel
//   - profile.go, entry.go: the profile and what it is made of; passphrase.go
//   - model.go, events.go: the model, and what happens to it; grade.go: words
//   - keys.go, commands.go, editor.go: what the user does
//   - view.go, talk.go, pages.go: what is shown
//
// # Limits
//
//   - The newest 10,000 messages of a contact are shown; older ones stay in the
//     file.
//   - Pasted lines are told from typed ones by the terminal (bracketed paste).
package chat
