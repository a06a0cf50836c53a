package simnet_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"trunkline/internal/simnet"
)

// A greeter is a machine that greets at its deadlines and keeps what it hears.
type greeter struct {
	send func(to netip.AddrPort, b []byte)
	to   netip.AddrPort
	due  time.Time
}

func (g *greeter) Deadline() time.Time { return g.due }

func (g *greeter) Advance(now time.Time) {
	g.send(g.to, []byte("hello"))
	g.due = now.Add(time.Minute)
}

func (g *greeter) Receive(now time.Time, from netip.AddrPort, b []byte) {
	fmt.Println(now.Format("04:05.000"), from, string(b))
}

// A World runs machines without goroutines, exactly the same for a seed.
func Example() {
	w := simnet.NewWorld(simnet.Config{
		Seed: 6,
		Path: simnet.Link{Delay: 50 * time.Millisecond, Loss: 0.3},
	})
	home := w.NAT("home", simnet.Symmetric())

	server, _ := w.Socket(w.Host("server"), 33445)
	server.Attach(&greeter{}) // never due

	client, _ := w.Socket(w.Host("client", home), 0)
	client.Attach(&greeter{send: client.Send, to: server.Addr(), due: w.Now()})

	w.Run(w.Now().Add(4*time.Minute + 30*time.Second))
	fmt.Println("lost:", w.Count(simnet.Lost))
	// Output:
	// 00:00.050 198.51.100.1:49812 hello
	// 02:00.050 198.51.100.1:49812 hello
	// 03:00.050 198.51.100.1:49812 hello
	// 04:00.050 198.51.100.1:49812 hello
	// lost: 1
}

// A Net gives ordinary programs listeners and connections. In a test it stands
// in a testing/synctest bubble, where its delays take no time.
func ExampleNew() {
	n := simnet.New(simnet.Config{Path: simnet.Link{Delay: time.Millisecond}})
	server, client := n.Host("server"), n.Host("client", n.NAT("home", simnet.PortRestricted()))

	l, err := server.Listen(7)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "hello, %v", c.RemoteAddr())
	}()

	c, err := client.Dial(context.Background(), "tcp", "server:7")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	<-done
	fmt.Println(string(text), err)
	// Output: hello, 198.51.100.2:49152 <nil>
}
