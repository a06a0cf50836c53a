package chat

// A Grade says who can read a message on its way.
type Grade string

// The grades. A blubbel conversation is open until the fingerprints were
// compared, since whoever handed over the keys could have swapped them; then it
// is end to end.
const (
	EndToEnd  Grade = "E" // only the two devices
	Transport Grade = "S" // servers on the way, nobody beside it
	OpenPath  Grade = "O" // whoever got in between
)

// A State is how far we are from talking with a contact, as people say it.
type State string

// The states.
const (
	Away      State = "away"             // not at the relay, or not trying
	Asked     State = "asked, no answer" // we want to talk; nothing came back yet
	Asking    State = "wants to talk"    // they do; the answer is the user's
	Connected State = "connected"        // texts go both ways
)

// sign is the state in one cell.
func (s State) sign() string {
	switch s {
	case Connected:
		return "*"
	case Asked:
		return "~"
	case Asking:
		return "?"
	}
	return "-"
}

// firstContact is what a person is told before the first message to somebody.
const firstContact = "The relay sees who talks with whom, when and how much, but not the texts; " +
	"nobody has checked yet whose key this is, so until you have both compared fingerprints (/verify) somebody in between could read along."
