// Package cells turns text that somebody else wrote into what a terminal can
// show: harmless, and of a width that is known.
//
// # What is made harmless
//
//   - control characters become their pictures (␛), those of C1 an escape (<9b>)
//   - marks that turn the direction of writing become visible: <RLO>
//   - invisible characters are left out; bytes that are not UTF-8 and code points
//     that mean nothing become �
//   - at most four combining marks stay on one character, and one that stands
//     alone gets a dotted circle
//
// # Widths
//
// Terminals disagree about joined emoji, skin tones, emoji presentation and
// flags. These are taken apart: the parts stand side by side, flags as two
// letters. Of spacing marks of Indic scripts the sum is counted, which is the
// most that a terminal takes. Nothing is ever wider than [Width] says.
//
// # Files
//
//   - clean.go: Line, Lines and the rules above
//   - width.go: Width, Cut, Fit, Chop and Wrap
package cells
