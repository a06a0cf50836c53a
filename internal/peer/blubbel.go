package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/internal/health"
)

// BlubbelConfig is what a blubbel peer needs.
type BlubbelConfig struct {
	Server string // host:port of the relay; required
	Key    *blubbel.SecretKey
	Auto   bool         // accept whoever asks
	Log    *slog.Logger // default: discard
}

// A Blubbel is the headless client of the blubbel network.
type Blubbel struct {
	client *client.Client
	emit   func(Event)
	ready  bool // told once; only Run's goroutine looks at it

	mu      sync.Mutex // the commands' and the events' goroutines meet here
	sending map[client.Ref]Command
	taken   map[client.Ref]bool // the socket was faster than the command
	drained chan struct{}       // closed when sending becomes empty; nil: nobody waits
}

// NewBlubbel makes the client; it connects once Run is called.
func NewBlubbel(c BlubbelConfig) (*Blubbel, error) {
	cl, err := client.New(client.Config{Key: c.Key, Server: c.Server, AutoAccept: c.Auto, Log: c.Log})
	if err != nil {
		return nil, err
	}
	return &Blubbel{client: cl, sending: map[client.Ref]Command{}, taken: map[client.Ref]bool{}}, nil
}

// Name is "blubbel".
func (b *Blubbel) Name() string { return "blubbel" }

// Run connects and emits events until ctx ends.
func (b *Blubbel) Run(ctx context.Context, emit func(Event)) error {
	b.mu.Lock()
	b.emit = emit
	b.mu.Unlock()
	var events sync.WaitGroup
	events.Go(func() {
		for e := range b.client.Events() {
			b.tell(e, emit)
		}
	})
	err := b.client.Run(ctx)
	events.Wait()
	return err
}

// Do carries out one command.
func (b *Blubbel) Do(ctx context.Context, c Command) error {
	switch c.Do {
	case "self":
		b.answer(b.self(answering("ready", c)))
		return nil
	case "contacts":
		return b.contacts(ctx, c)
	case "send":
		return b.send(ctx, c)
	}
	act, ok := map[string]func(context.Context, blubbel.PublicKey) error{
		"add": b.client.Add, "accept": b.client.Accept, "remove": b.client.Remove, "block": b.client.Block,
	}[c.Do]
	if !ok {
		return cannot(b.Name(), c.Do)
	}
	who, err := parseWho("who", c.Who)
	if err != nil {
		return err
	}
	if err := act(ctx, who); err != nil {
		return advise(err)
	}
	b.answer(OK{head: answering("ok", c)})
	return nil
}

// answer emits from the goroutine of the commands.
func (b *Blubbel) answer(e Event) {
	b.mu.Lock()
	emit := b.emit
	b.mu.Unlock()
	if emit != nil {
		emit(e)
	}
}

func (b *Blubbel) self(h head) Ready {
	self := b.client.Self()
	return Ready{head: h, Self: self.String(), Fingerprint: self.Fingerprint()}
}

func parseWho(field, text string) (blubbel.PublicKey, error) {
	if err := wants(field, text); err != nil {
		return blubbel.PublicKey{}, err
	}
	who, err := blubbel.ParseText(text)
	if err != nil {
		return who, health.WithCode(fmt.Errorf("%s: %w", field, err), health.PeerBadAddress)
	}
	return who, nil
}

// advise adds what to do about the client's refusals.
func advise(err error) error {
	switch {
	case errors.Is(err, client.ErrUnknownContact):
		return health.WithCode(health.Do(err, `first {"do":"add","who":...}`), health.PeerBadAddress)
	case errors.Is(err, client.ErrOutboxFull):
		return health.WithCode(err, health.PeerOutboxFull)
	case errors.Is(err, client.ErrTooLong), errors.Is(err, client.ErrNotText):
		return health.WithCode(err, health.PeerBadCommand)
	}
	return err
}

func (b *Blubbel) contacts(ctx context.Context, c Command) error {
	list, err := b.client.Contacts(ctx)
	if err != nil {
		return err
	}
	for _, contact := range list {
		b.answer(contactEvent(contact, c))
	}
	b.answer(OK{head: answering("ok", c), Count: new(len(list))})
	return nil
}

func (b *Blubbel) send(ctx context.Context, c Command) error {
	if c.Kind != "" && c.Kind != "normal" {
		return cannot(b.Name(), "message of kind "+health.Clean(c.Kind))
	}
	to, err := parseWho("to", c.To)
	if err != nil {
		return err
	}
	ref, err := b.client.Send(ctx, to, c.Text)
	if err != nil {
		return advise(err)
	}
	b.mu.Lock()
	early := b.taken[ref]
	delete(b.taken, ref)
	if !early {
		b.sending[ref] = c
	}
	b.mu.Unlock()
	if early {
		b.answer(sentOK(c, ref))
	}
	return nil
}

func sentOK(c Command, ref client.Ref) OK {
	return OK{head: answering("ok", c), Ref: strconv.FormatUint(uint64(ref), 10)}
}

// finish ends the command that sent ref. The command that did is still being
// noted where ok is false.
func (b *Blubbel) finish(ref client.Ref) (c Command, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok = b.sending[ref]
	if !ok {
		b.taken[ref] = true
		return c, false
	}
	delete(b.sending, ref)
	if len(b.sending) == 0 && b.drained != nil {
		close(b.drained)
		b.drained = nil
	}
	return c, true
}

// Drained returns when the socket took everything, or ctx ends.
func (b *Blubbel) Drained(ctx context.Context) {
	b.mu.Lock()
	if len(b.sending) == 0 {
		b.mu.Unlock()
		return
	}
	if b.drained == nil {
		b.drained = make(chan struct{})
	}
	drained := b.drained
	b.mu.Unlock()
	select {
	case <-drained:
	case <-ctx.Done():
	}
}

// tell words an event of the client as lines.
func (b *Blubbel) tell(event client.Event, emit func(Event)) {
	switch e := event.(type) {
	case client.Online:
		emit(Line{head: named("online"), How: "tcp"})
		if !b.ready {
			b.ready = true
			emit(b.self(named("ready")))
		}
	case client.Offline:
		emit(Line{head: named("offline"), Why: reason(e.Why), Retry: e.Retry.Seconds()})
	case client.Request:
		emit(RequestEvent{head: named("contact_request"), From: e.From.String(), Fingerprint: e.From.Fingerprint()})
	case client.ContactChanged:
		emit(contactEvent(e.Contact, Command{}))
	case client.Received:
		emit(Message{
			head: named("message"), From: e.From.String(), To: b.client.Self().String(),
			Text: e.Text, Kind: "normal", Grade: "O", At: e.At,
		})
	case client.Sent:
		if c, ok := b.finish(e.Ref); ok {
			emit(sentOK(c, e.Ref))
		}
	case client.Failed:
		c, _ := b.finish(e.Ref)
		emit(fault(c.ID, "send", advise(e.Err)))
	case client.Lost:
		emit(fault(nil, "message", health.WithCode(
			fmt.Errorf("messages from %s were lost on the way", e.From.Short()), health.BlubbelMessagesLost)))
	case client.Refused:
		emit(fault(nil, "relay", refusal(e)))
	}
}

// reason is an error's text, empty for none.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return health.Clean(err.Error())
}

// refusal is a relay's error with the finding of the same number.
func refusal(e client.Refused) error {
	return health.WithCode(fmt.Errorf("%s: %w", e.Peer.Short(), e.Err), health.Code(fmt.Sprintf("BLB-%03d", e.Err.Code)))
}

func contactEvent(c client.Contact, command Command) ContactEvent {
	presence := "unknown"
	switch c.State {
	case client.Open, client.Asking:
		presence = "online"
	case client.Gone:
		presence = "offline"
	}
	return ContactEvent{
		head: answering("contact", command), Who: c.Key.String(), Presence: presence,
		State: c.State.String(), Fingerprint: c.Key.Fingerprint(), Proven: c.Proven,
	}
}
