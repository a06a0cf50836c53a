package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"trunkline/blubbel"
	"trunkline/internal/chat"
	"trunkline/internal/health"
	"trunkline/internal/server"
)

type chatCmd struct {
	With string `arg:"" help:"A network (blubbel), or a name that the running server knows (echo)."`
	dataFlag
	Server         string `placeholder:"HOST:PORT" help:"The network's server. Default: the one that runs on the data folder, else 127.0.0.1 and the usual port."`
	Profile        string `placeholder:"FILE" help:"The encrypted profile: key, contacts, messages. Default: trunkline/chat-NETWORK in the user's configuration folder." type:"path"`
	PassphraseFile string `placeholder:"FILE" help:"Read the passphrase from the first line of this file instead of the terminal." type:"path"`
	NoHistory      bool   `help:"Keep nothing: a new key for this one time, no messages."`
}

// Validate refuses a server that cannot be reached.
func (c *chatCmd) Validate() error { return checkServer(c.Server) }

// place is where a chat goes.
type place struct{ network, server, contact string }

// Run opens the chat.
func (c *chatCmd) Run(ctx context.Context, e *Env) error {
	in, inOK := e.Stdin.(*os.File)
	out, outOK := e.Stdout.(*os.File)
	if !inOK || !outOK {
		return chat.ErrNotTerminal
	}
	if err := chat.CheckTerminal(in, out); err != nil {
		return err
	}
	to, err := c.find(ctx)
	if err != nil {
		return err
	}
	profile, err := c.profile(e, in)
	if err != nil {
		return err
	}
	client, err := chat.NewBlubbel(chat.BlubbelConfig{Server: to.server, Profile: profile})
	if err != nil {
		return errors.Join(err, profile.Close())
	}
	o := chat.Config{
		Network: to.network, Server: to.server, Client: client, Profile: profile,
		Input: in, Output: out, NoColor: e.get("NO_COLOR") != "",
	}
	if to.contact != "" {
		o.Open, o.OpenName = to.contact, c.With
	}
	return chat.Run(ctx, o)
}

// find says where With is: the network of that name, or a contact that the
// running server knows.
func (c *chatCmd) find(ctx context.Context) (place, error) {
	status, err := server.Dial(c.Data).Status(ctx)
	if err != nil && !errors.Is(err, server.ErrNotRunning) {
		return place{}, err
	}
	if c.With == "blubbel" {
		return place{network: c.With, server: c.relay(status)}, nil
	}
	network, contact, ok := status.Find(c.With)
	for began := time.Now(); !ok && err == nil && c.comes(status) && time.Since(began) < echoTimeout; {
		time.Sleep(echoTimeout / 50)
		if status, err = server.Dial(c.Data).Status(ctx); err == nil {
			network, contact, ok = status.Find(c.With)
		}
	}
	switch {
	case ok && c.Server != "":
		return place{network, c.Server, contact.Address}, nil
	case ok:
		return place{network, contact.Server, contact.Address}, nil
	case err != nil:
		return place{}, err
	}
	return place{}, usageError{health.Do(fmt.Errorf("chat: neither a network nor a contact of the server is called %q", c.With),
		"say blubbel, or echo")}
}

// echoTimeout is how long a chat waits for the echo contact of a server that has
// just made it a key.
const echoTimeout = 5 * time.Second

// comes reports whether the server will know With in a moment.
func (c *chatCmd) comes(status server.Status) bool {
	n, ok := status.Network("blubbel")
	return ok && c.With == "echo" && slices.Contains(n.Capabilities, "echo")
}

// relay is the relay to use: the one named, else the one that runs here.
func (c *chatCmd) relay(status server.Status) string {
	if c.Server != "" {
		return c.Server
	}
	if n, ok := status.Network("blubbel"); ok && n.Echo != nil {
		return n.Echo.Server
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(blubbel.DefaultPort))
}

func (c *chatCmd) profile(e *Env, in *os.File) (*chat.Profile, error) {
	if c.NoHistory {
		return chat.NoHistory(), nil
	}
	path := c.Profile
	if path == "" {
		folder, err := os.UserConfigDir()
		if err != nil {
			return nil, health.Do(fmt.Errorf("chat: %w", err), "name the profile with --profile FILE, or keep nothing with --no-history")
		}
		path = filepath.Join(folder, "trunkline", "chat-blubbel")
	}
	ask := chat.AskPassphrase(in, e.Stderr)
	if c.PassphraseFile != "" {
		f, err := os.Open(c.PassphraseFile)
		if err != nil {
			return nil, fmt.Errorf("chat: %w", err)
		}
		defer f.Close()
		ask = chat.PassphraseFrom(f)
	}
	return chat.OpenProfile(path, ask)
}
