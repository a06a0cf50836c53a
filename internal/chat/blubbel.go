package chat

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strings"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/internal/health"
)

// BlubbelConfig is what a chat over blubbel needs.
type BlubbelConfig struct {
	Server  string // host:port of the relay
	Profile *Profile
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error) // default: TCP
	Log     *slog.Logger                                                      // default: discard
}

// blubbelClient is a client of blubbel as a chat sees it.
type blubbelClient struct{ client *client.Client }

// NewBlubbel returns a [Client] with the key and contacts of the profile. A
// profile without a key gets one, which takes a moment.
func NewBlubbel(c BlubbelConfig) (Client, error) {
	key, err := blubbelKey(c.Profile)
	if err != nil {
		return nil, err
	}
	contacts, err := parseAll(c.Profile.addresses(friend))
	if err != nil {
		return nil, err
	}
	blocked, err := parseAll(c.Profile.addresses(blocked))
	if err != nil {
		return nil, err
	}
	cl, err := client.New(client.Config{
		Key: key, Server: c.Server, Contacts: contacts, Blocked: blocked, Dial: c.Dial, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	return blubbelClient{cl}, nil
}

// blubbelKey is the profile's key, made and stored if there is none.
func blubbelKey(p *Profile) (*blubbel.SecretKey, error) {
	if p.secret != "" {
		return blubbel.ParseSecretKey([]byte(p.secret))
	}
	if len(p.contacts) > 0 {
		return nil, health.Do(fmt.Errorf("profile %s: its key is lost with a damaged part of the file", p.path),
			"start with a new file and give your contacts the new address")
	}
	key, err := blubbel.GenerateKey(blubbel.DER)
	if err != nil {
		return nil, err
	}
	text, err := key.PEM()
	if err != nil {
		return nil, err
	}
	return key, p.commit(entry{Kind: kindSecret, Text: string(text)})
}

func parseAll(addresses []string) ([]blubbel.PublicKey, error) {
	var keys []blubbel.PublicKey
	for _, a := range addresses {
		k, err := blubbel.ParseText(a)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Run is [client.Client.Run].
func (b blubbelClient) Run(ctx context.Context) error { return b.client.Run(ctx) }

// Self is our own key.
func (b blubbelClient) Self() Identity { return identity(b.client.Self()) }

func identity(k blubbel.PublicKey) Identity {
	return Identity{Address: k.String(), Fingerprint: k.Fingerprint(), Short: k.Short(), Proven: k.Form() == blubbel.DER}
}

// Identify reads the text form of a key, with any white space in it: a terminal
// cuts a long address into lines.
func (b blubbelClient) Identify(address string) (Identity, error) {
	k, err := blubbel.ParseText(strings.Join(strings.Fields(address), ""))
	if err != nil {
		return Identity{}, err
	}
	if k == b.client.Self() {
		return Identity{}, client.ErrSelf
	}
	return identity(k), nil
}

// act does something with the key that an address names.
func act(ctx context.Context, who string, do func(context.Context, blubbel.PublicKey) error) error {
	k, err := blubbel.ParseText(who)
	if err != nil {
		return err
	}
	return do(ctx, k)
}

// Add is [client.Client.Add].
func (b blubbelClient) Add(ctx context.Context, who string) error { return act(ctx, who, b.client.Add) }

// Remove is [client.Client.Remove].
func (b blubbelClient) Remove(ctx context.Context, who string) error {
	return act(ctx, who, b.client.Remove)
}

// Block is [client.Client.Block].
func (b blubbelClient) Block(ctx context.Context, who string) error {
	return act(ctx, who, b.client.Block)
}

// Send is [client.Client.Send].
func (b blubbelClient) Send(ctx context.Context, to, text string) (uint64, error) {
	k, err := blubbel.ParseText(to)
	if err != nil {
		return 0, err
	}
	ref, err := b.client.Send(ctx, k, text)
	return uint64(ref), err
}

// MaxText is what fits into the relay's usual frames.
func (b blubbelClient) MaxText(to string) int {
	k, err := blubbel.ParseText(to)
	if err != nil {
		return 0
	}
	return blubbel.MaxText(k, blubbel.DefaultMaxPayload)
}

// Events words the client's events.
func (b blubbelClient) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range b.client.Events() {
			if ours := fromBlubbel(e); ours != nil && !yield(ours) {
				return
			}
		}
	}
}

// fromBlubbel returns the event that e is for a person, or nil for none.
func fromBlubbel(event client.Event) Event {
	switch e := event.(type) {
	case client.Online:
		return Online{}
	case client.Offline:
		return Offline{Why: e.Why, Retry: e.Retry}
	case client.Request:
		return Asks{Who: identity(e.From)}
	case client.ContactChanged:
		return Changed{Who: e.Contact.Key.String(), State: blubbelState(e.Contact.State)}
	case client.Received:
		return Received{From: e.From.String(), Text: e.Text, At: e.At}
	case client.Sent:
		return Sent{Ref: uint64(e.Ref)}
	case client.Failed:
		return Failed{Ref: uint64(e.Ref), Err: e.Err}
	case client.Lost:
		return Lost{From: e.From.String()}
	case client.Refused:
		return refusal(e)
	}
	return nil
}

func blubbelState(s client.State) State {
	switch s {
	case client.Open:
		return Connected
	case client.Asked:
		return Asked
	case client.Asking:
		return Asking
	}
	return Away
}

// refusal is a complaint that says more than the contact's state does: that
// somebody is not there is no news.
func refusal(e client.Refused) Event {
	switch e.Err.Code {
	case blubbel.CodeNotConnected, blubbel.CodeNoSession, blubbel.CodeSlowDown:
		return nil
	}
	if e.Peer.IsZero() {
		return Refused{Err: e.Err}
	}
	return Refused{Err: fmt.Errorf("%s: %w", e.Peer.Short(), e.Err)}
}
