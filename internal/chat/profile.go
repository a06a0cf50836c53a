package chat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"trunkline/internal/chat/journal"
	"trunkline/internal/health"
)

// ErrNoPassphrase means that a new profile was to be encrypted under nothing.
var ErrNoPassphrase = errors.New("a profile needs a passphrase")

// A Profile is what a person keeps: the key, contacts, and messages, in one
// encrypted file that a [journal.Journal] writes. One program at a time has it.
// It is used by one goroutine at a time.
type Profile struct {
	path    string
	journal *journal.Journal // nil: nothing is kept
	notes   []string         // what the user should know about the file

	secret   string
	contacts []*contact          // in the order in which they came, also refused and blocked
	unsent   map[uint64]*message // that wait, or failed
	lastID   uint64
	ended    bool // the last entry says that the program ended by itself

	later []entry // to be written with the next ones
}

// NoHistory returns a profile that keeps nothing.
func NoHistory() *Profile { return &Profile{unsent: map[uint64]*message{}} }

// OpenProfile opens the profile at path, or makes one, with its folder. It asks
// for the passphrase, of a new one or of the one that is there; an empty one is
// refused for a new profile with [ErrNoPassphrase]. An error changes nothing.
func OpenProfile(path string, ask func(isNew bool) ([]byte, error)) (*Profile, error) {
	return openProfile(path, ask, journal.DefaultCost())
}

func openProfile(path string, ask func(isNew bool) ([]byte, error), cost journal.Cost) (*Profile, error) {
	p := NoHistory()
	p.path = path
	isNew, err := missing(path)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", path, err)
	}
	passphrase, err := ask(isNew)
	defer clear(passphrase)
	if err != nil {
		return nil, err
	}
	if isNew {
		err = p.create(passphrase, cost)
	} else {
		err = p.load(passphrase)
	}
	if err != nil {
		return nil, advise(fmt.Errorf("profile %s: %w", path, reason(err)), err)
	}
	return p, nil
}

// reason drops the path that the system's error repeats.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// advise adds what to do about an error of a journal.
func advise(err, cause error) error {
	for _, a := range []struct {
		err error
		do  string
	}{
		{ErrNoPassphrase, "choose one, or keep nothing with --no-history"},
		{journal.ErrPassphrase, "try again; nobody can open it without"},
		{journal.ErrHead, "restore a copy of the file; nothing in it can be read without its head"},
		{journal.ErrInUse, "end the other chat, or name another file with --profile"},
		{journal.ErrForeign, "name another file with --profile; a key of `trunkline keygen` is not one"},
		{errNewer, "use the newer version"},
	} {
		if errors.Is(cause, a.err) {
			return health.Do(err, a.do)
		}
	}
	return err
}

// missing reports whether there is no profile at path yet, and refuses what is none
// before anybody types a passphrase for it.
func missing(path string) (isNew bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, reason(err)
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, reason(err)
	}
	if bytes.Contains(head[:n], []byte("-----BEGIN")) {
		return false, advise(journal.ErrForeign, journal.ErrForeign)
	}
	return false, nil
}

func (p *Profile) create(passphrase []byte, cost journal.Cost) (err error) {
	if len(passphrase) == 0 {
		return ErrNoPassphrase
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	p.journal, err = journal.Create(p.path, passphrase, cost)
	return err
}

func (p *Profile) load(passphrase []byte) error {
	j, report, err := journal.Open(p.path, passphrase, func(record []byte) error {
		e, err := decode(record)
		if err != nil {
			return err
		}
		if err := p.apply(e); errors.Is(err, errNewer) {
			return err
		}
		return nil // an entry of a contact whose own entry is damaged
	})
	if err != nil {
		return err
	}
	p.journal = j
	if s := report.String(); s != "" {
		p.notes = append(p.notes, "The profile "+p.path+": "+s)
	}
	if err := p.recover(report.Lost()); err != nil {
		return errors.Join(err, j.Close())
	}
	return nil
}

// recover settles what the last program left open. Messages that waited when it
// was killed may have gone out; what says that a contact is verified may be older
// than something that was lost.
func (p *Profile) recover(lost bool) error {
	var entries []entry
	for _, c := range p.contacts {
		if lost && c.verified {
			c.verified = false
			entries = append(entries, c.entry())
			p.notes = append(p.notes, "Compare fingerprints with "+c.name+" again: entries of the profile are lost.")
		}
		for _, m := range c.messages {
			if m.delivery == waiting && !p.ended {
				entries = append(entries, entry{Kind: kindMark, Who: c.address, ID: m.id, Delivery: failed, Grade: m.grade,
					Why: "the program was killed; it may have gone out"})
			}
		}
	}
	return p.commit(entries...)
}

// entry describes the contact as it is.
func (c *contact) entry() entry {
	return entry{Kind: kindContact, Who: c.address, Name: c.name, Standing: c.standing, Verified: c.verified}
}

// commit stores entries and then does what they say. After an error nothing has
// changed.
func (p *Profile) commit(entries ...entry) error {
	all := append(slices.Clone(p.later), entries...)
	if len(all) == 0 {
		return nil
	}
	records, err := encode(all)
	if err != nil {
		return err
	}
	if p.journal != nil {
		if err := p.journal.Append(records...); err != nil {
			return fmt.Errorf("profile %s: %w", p.path, reason(err))
		}
	}
	p.later = nil
	for _, e := range entries {
		_ = p.apply(e) // ours name a contact that there is, or nobody misses them
	}
	return nil
}

// nextID returns the number of the next message.
func (p *Profile) nextID() uint64 {
	p.lastID++
	return p.lastID
}

// postpone does what an entry says and stores it with the next ones: nothing
// bad happens if it is lost.
func (p *Profile) postpone(e entry) {
	if p.apply(e) != nil {
		return
	}
	p.later = slices.DeleteFunc(p.later, func(o entry) bool { return o.Kind == e.Kind && o.Who == e.Who })
	p.later = append(p.later, e)
}

// forget drops a contact with its messages, from the file too.
func (p *Profile) forget(c *contact) error {
	p.later = slices.DeleteFunc(p.later, func(e entry) bool { return e.Who == c.address })
	if err := p.commit(entry{Kind: kindForget, Who: c.address}); err != nil || p.journal == nil {
		return err
	}
	err := p.journal.Rewrite(func(record []byte) bool {
		e, err := decode(record)
		return err != nil || e.Who != c.address
	})
	if err != nil {
		return fmt.Errorf("profile %s: %w", p.path, reason(err))
	}
	return nil
}

// Close stores what waits, and that the program ended by itself.
func (p *Profile) Close() error {
	if p.journal == nil {
		return nil
	}
	return errors.Join(p.commit(entry{Kind: kindEnd}), p.journal.Close())
}

// Kept reports whether the profile is stored.
func (p *Profile) Kept() bool { return p.journal != nil }

// contact returns the one with this address, or nil.
func (p *Profile) contact(address string) *contact {
	for _, c := range p.contacts {
		if c.address == address {
			return c
		}
	}
	return nil
}

// addresses lists the contacts of a standing.
func (p *Profile) addresses(s standing) []string {
	var list []string
	for _, c := range p.contacts {
		if c.standing == s {
			list = append(list, c.address)
		}
	}
	return list
}

// named returns the contact with this name, or nil.
func (p *Profile) named(name string) *contact {
	for _, c := range p.contacts {
		if c.standing == friend && strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// freeName returns name, with a number behind it if another contact has it.
func (p *Profile) freeName(name, address string) string {
	free := name
	for n := 2; ; n++ {
		if c := p.named(free); c == nil || c.address == address {
			return free
		}
		free = fmt.Sprintf("%s %d", name, n)
	}
}
