package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

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
	// Dial makes connections; default: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// errUnsent is the answer to a send that the end of the program came before.
var errUnsent = health.Do(errors.New("the program ended before it was sent"), "wait for its ok before you quit")

// A Blubbel is the headless client of the blubbel network.
type Blubbel struct {
	client  *client.Client
	started chan struct{} // closed by Run
	emit    func(Event)   // of Run; to be used when started is closed
	ready   bool          // told once; only Run's goroutine looks at it

	mu      sync.Mutex // held while a text is handed over: its end waits for its command to be noted
	sending map[client.Ref]Command
	drained chan struct{} // closed when sending becomes empty; nil: nobody waits
}

// NewBlubbel makes the client; it connects once Run is called.
func NewBlubbel(c BlubbelConfig) (*Blubbel, error) {
	cl, err := client.New(client.Config{Key: c.Key, Server: c.Server, Dial: c.Dial, AutoAccept: c.Auto, Log: c.Log})
	if err != nil {
		return nil, err
	}
	return &Blubbel{client: cl, started: make(chan struct{}), sending: map[client.Ref]Command{}}, nil
}

// Name is "blubbel".
func (b *Blubbel) Name() string { return "blubbel" }

// Run connects and emits events until ctx ends. What was not sent until then is
// answered with an error.
func (b *Blubbel) Run(ctx context.Context, emit func(Event)) error {
	b.emit = emit
	close(b.started)
	var events sync.WaitGroup
	events.Go(func() {
		for e := range b.client.Events() {
			b.tell(e)
		}
	})
	err := b.client.Run(ctx)
	events.Wait()
	b.giveUp()
	if over, ok := errors.AsType[*blubbel.Error](err); ok {
		return health.WithCode(err, finding(over))
	}
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

// answer emits from the goroutine of the commands, which may be there before
// Run is.
func (b *Blubbel) answer(e Event) {
	<-b.started
	b.emit(e)
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
	case errors.Is(err, client.ErrSelf):
		return health.WithCode(err, health.PeerBadAddress)
	case errors.Is(err, client.ErrNotAsking):
		return health.WithCode(health.Do(err, `ask them with {"do":"add","who":...}`), health.PeerBadCommand)
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
	b.mu.Lock()
	defer b.mu.Unlock()
	ref, err := b.client.Send(ctx, to, c.Text)
	if err != nil {
		return advise(err)
	}
	b.sending[ref] = c
	return nil
}

func sentOK(c Command, ref client.Ref) OK {
	return OK{head: answering("ok", c), Ref: strconv.FormatUint(uint64(ref), 10)}
}

// finish answers the command that sent ref.
func (b *Blubbel) finish(ref client.Ref, answer func(Command) Event) {
	b.mu.Lock()
	c := b.sending[ref]
	b.mu.Unlock()
	b.emit(answer(c))
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sending, ref)
	if len(b.sending) == 0 && b.drained != nil {
		close(b.drained)
		b.drained = nil
	}
}

// giveUp answers what the end came before.
func (b *Blubbel) giveUp() {
	for _, ref := range slices.Sorted(maps.Keys(b.sending)) {
		b.finish(ref, func(c Command) Event { return fault(c.ID, "send", errUnsent) })
	}
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
func (b *Blubbel) tell(event client.Event) {
	switch e := event.(type) {
	case client.Online:
		b.emit(Line{head: named("online"), How: "tcp"})
		if !b.ready {
			b.ready = true
			b.emit(b.self(named("ready")))
		}
	case client.Offline:
		b.emit(Line{
			head: named("offline"), Code: health.PeerUnreachable,
			Why: reason(e.Why), Retry: e.Retry.Round(time.Millisecond).Seconds(),
		})
	case client.Request:
		b.emit(RequestEvent{head: named("contact_request"), From: e.From.String(), Fingerprint: e.From.Fingerprint()})
	case client.ContactChanged:
		b.emit(contactEvent(e.Contact, Command{}))
	case client.Received:
		b.emit(Message{
			head: named("message"), From: e.From.String(), To: b.client.Self().String(),
			Text: e.Text, Kind: "normal", Grade: "O", At: e.At,
		})
	case client.Sent:
		b.finish(e.Ref, func(c Command) Event { return sentOK(c, e.Ref) })
	case client.Failed:
		b.finish(e.Ref, func(c Command) Event { return fault(c.ID, "send", advise(e.Err)) })
	case client.Lost:
		b.emit(fault(nil, "message", health.WithCode(
			fmt.Errorf("messages from %s were lost on the way", e.From.Short()), health.BlubbelMessagesLost)))
	case client.Refused:
		b.emit(fault(nil, "relay", refusal(e)))
		if e.Err.Code == blubbel.CodeNotConnected {
			b.emit(absent(e.Peer))
		}
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
	err := error(e.Err)
	if !e.Peer.IsZero() {
		err = fmt.Errorf("%s: %w", e.Peer.Short(), err)
	}
	return health.WithCode(err, finding(e.Err))
}

// finding is the code of a relay's error: they share their numbers.
func finding(e *blubbel.Error) health.Code { return health.Code(fmt.Sprintf("BLB-%03d", e.Code)) }

// absent is a contact of whom the relay says that they are not connected.
func absent(who blubbel.PublicKey) ContactEvent {
	e := contactEvent(client.Contact{Key: who, State: client.Gone, Proven: who.Form() == blubbel.DER}, Command{})
	e.Presence = "offline"
	return e
}

func contactEvent(c client.Contact, command Command) ContactEvent {
	presence := "unknown" // a relay does not tell who leaves
	if c.State == client.Open {
		presence = "online"
	}
	return ContactEvent{
		head: answering("contact", command), Who: c.Key.String(), Presence: presence,
		State: c.State.String(), Fingerprint: c.Key.Fingerprint(), Proven: c.Proven,
	}
}
