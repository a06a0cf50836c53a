package peer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"trunkline/internal/health"
)

// A Command is one line in. Do says which of the fields count.
type Command struct {
	Do   string          `json:"do"`
	ID   json.RawMessage `json:"id,omitempty"` // echoed in the answer, as it is
	Who  string          `json:"who,omitempty"`
	To   string          `json:"to,omitempty"`
	Text string          `json:"text,omitempty"`
	Kind string          `json:"kind,omitempty"`
}

// maxID bounds what is echoed.
const maxID = 256

// Words are the commands that some network has. A network that lacks one
// answers PEER-001.
func Words() []string {
	return []string{
		"self", "register", "name", "status", "search", "add", "accept", "remove", "block", "contacts",
		"send", "edit", "delete", "markread", "typing", "sendfile", "acceptfile", "pausefile", "resumefile",
		"cancelfile", "room", "call", "answer", "hangup", "history", "quit",
	}
}

// parseCommand reads a line. The command is filled as far as possible even with
// an error, so that the answer can carry the id.
func parseCommand(line []byte) (Command, error) {
	var c Command
	// Fields that this version does not know belong to commands of networks that
	// it does not have; the command's own word decides.
	err := json.Unmarshal(line, &c)
	switch {
	case len(c.ID) > maxID:
		c.ID, err = nil, fmt.Errorf("id of more than %d bytes", maxID)
	case err == nil && !utf8.Valid(line):
		c, err = Command{}, errors.New("not valid UTF-8") // else it would be replaced without a word
	}
	if err != nil {
		return c, health.WithCode(health.Do(fmt.Errorf("not a command: %w", err),
			`write one JSON object a line, for instance {"do":"self"}`), health.PeerBadCommand)
	}
	if slices.Contains(Words(), c.Do) {
		return c, nil
	}
	err = fmt.Errorf("there is no command %q", health.Clean(c.Do))
	if near := health.Nearest(c.Do, Words()); near != "" {
		err = health.Do(err, "did you mean "+near+"?")
	}
	return c, health.WithCode(err, health.PeerBadCommand)
}

// cannot is the answer to a word that a network does not have.
func cannot(network, word string) error {
	return health.WithCode(fmt.Errorf("%s has no %s", network, word), health.PeerCannot)
}

// wants checks that a field that the command needs is there.
func wants(field, value string) error {
	if value != "" {
		return nil
	}
	return health.WithCode(fmt.Errorf("%q is missing", field), health.PeerBadCommand)
}

// blank reports whether a line holds nothing.
func blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }
