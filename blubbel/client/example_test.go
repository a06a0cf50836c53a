package client_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/server"
)

// A relay on a port of its own, somebody who repeats what is said to them, and
// somebody who says something.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	relay, err := server.New(server.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	go relay.Serve(ctx, l)

	echo := login(ctx, client.Config{Server: l.Addr().String(), AutoAccept: true})
	go func() {
		for e := range echo.Events() {
			if m, ok := e.(client.Received); ok {
				echo.Send(ctx, m.From, m.Text)
			}
		}
	}()

	me := login(ctx, client.Config{Server: l.Addr().String(), Contacts: []blubbel.PublicKey{echo.Self()}})
	me.Send(ctx, echo.Self(), "hello")
	for e := range me.Events() {
		switch e := e.(type) {
		case client.ContactChanged:
			fmt.Println("echo is", e.Contact.State)
		case client.Received:
			fmt.Println("echo says", e.Text)
			return
		}
	}
	// Output:
	// echo is asked
	// echo is open
	// echo says hello
}

// login starts a client with a new key, and waits for its login.
func login(ctx context.Context, c client.Config) *client.Client {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	if c.Key, err = blubbel.NewSecretKey(rsaKey); err != nil {
		panic(err)
	}
	cl, err := client.New(c)
	if err != nil {
		panic(err)
	}
	go cl.Run(ctx)
	for range cl.Events() {
		break // Online
	}
	return cl
}
